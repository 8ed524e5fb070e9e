#!/bin/bash
# The short form of the kill -9 test; tests/fault/kill9.py ROUNDS CLIENTS is the long one.
exec /usr/bin/python3 "$(dirname "$0")/kill9.py" 6 8
