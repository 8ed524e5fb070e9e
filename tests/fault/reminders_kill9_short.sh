#!/bin/bash
# The short form of the test of reminders under kill -9; make soak runs the long one.
exec /usr/bin/python3 "$(dirname "$0")/reminders_kill9.py" 8 5 40
