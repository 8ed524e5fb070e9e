#!/bin/bash
# Damage of the store's file is found, whatever byte it hits. usage: bit_flips.sh [COUNT]
BIN=${BIN:-$(dirname "$0")/../../build/bin}
exec python3 "$(dirname "$0")/bit_flips.py" "$(dirname "$BIN")/fault/crash_writer" "${1:-200}"
