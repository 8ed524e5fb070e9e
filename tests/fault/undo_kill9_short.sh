#!/bin/bash
# The short form of the test of long undos under kill -9; tests/fault/undo_kill9.py KILLS ROWS is the long one.
exec /usr/bin/python3 "$(dirname "$0")/undo_kill9.py" 4 1500
