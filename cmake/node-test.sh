#!/bin/sh
# Run one file of node tests, its TAP into a file as well, for ./check to count. usage: node-test.sh NODE TEST_FILE TAP_FILE
"$1" --test --test-reporter=tap "$2" >"$3"
status=$?
cat "$3"
exit $status
