#!/bin/sh
# Print the first Python that vaekit can use: 3.11 or newer, with venv and pip; or say in one line what is wrong.
# PYTHON, where set, is the only candidate.
check='import sys
if sys.version_info < (3, 11): sys.exit(3)
import ensurepip, venv'
seen=""
for candidate in ${PYTHON:-python3 python python3.13 python3.12 python3.11 python3.14 py}; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    "$candidate" -c "$check" >/dev/null 2>&1 && { echo "$candidate"; exit 0; }
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && version="$version without venv"
    seen="$seen $candidate is $version;"
done
echo "vaekit needs Python 3.11 or newer with venv (Debian, Ubuntu: apt install python3-venv);${seen:- no ${PYTHON:-python3} is here;} install one, or name it: make PYTHON=/path/to/python3" >&2
exit 1
