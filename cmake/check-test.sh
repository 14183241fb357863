#!/bin/sh
# ./check: each step that --list names can be run, and one that is not there is refused before anything is done.
# usage: check-test.sh SOURCE_FOLDER
set -u
cd "$1" || exit 1
failed=0
names=$(./check --list | cut -d ' ' -f 1)
[ "$(printf '%s\n' "$names" | wc -l)" -ge 10 ] || { echo "--list names too few steps: $names"; failed=1; }
for name in $names; do
    sed -n '/^step_run()/,/^}/p' check | grep -qE "^    (.* [|] )?$name( [|] .*)?\\) " || { echo "nothing runs the step $name"; failed=1; }
done
said=$(./check --step nothing 2>&1)
status=$?
[ $status = 2 ] && [ "$said" = 'There is no step "nothing"; ./check --list names them.' ] || { echo "--step nothing: $status, $said"; failed=1; }
./check --what >/dev/null 2>&1
[ $? = 2 ] || { echo 'an unknown option is not refused'; failed=1; }
exit $failed
