#!/bin/bash
# The short form of the test of long deletions and restores under kill -9; tests/fault/moves_kill9.py KILLS CHILDREN is the long one.
exec /usr/bin/python3 "$(dirname "$0")/moves_kill9.py" 4 1200
