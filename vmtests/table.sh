# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # root and vm_dir are of what is sourced before
# One line per kernel, group and mode, from what the guests left in build/vm/results/.

count_tests() { # JSON SELECTOR
  jq "[.testsuites[].testsuite[] | select($2)] | length" "$1"
}

# A group is as good as its tests: nothing run is not green, and a group without results is missing.
row() { # KERNEL GROUP MODE
  local folder=$vm_dir/results/$1 name=$2-$3 json code=missing seconds=- commit=- passed=0 failed=0 skipped=0
  json=$folder/$name.json
  [ ! -e "$folder/$name.end" ] || read -r code seconds commit <"$folder/$name.end"
  if [ -s "$json" ]; then
    skipped=$(count_tests "$json" '.result == "SKIPPED"')
    failed=$(count_tests "$json" '.result == "COMPLETED" and ((.failures // []) | length > 0)')
    passed=$(count_tests "$json" '.result == "COMPLETED" and ((.failures // []) | length == 0)')
  fi
  local result=ok
  if [ "$code" = missing ]; then
    result=MISSING
  elif [ "$code" -ne 0 ]; then
    result=FAILED
  elif [ "$passed" -eq 0 ]; then
    result=SKIPPED
  fi
  printf '%-24s %-14s %-5s %-8s %6s %6s %7s %8s %s\n' "$(cat "$folder/release" 2>/dev/null || echo "$1")" \
    "$2" "$3" "$result" "$passed" "$failed" "$skipped" "$seconds" "$commit"
  [ "$result" = ok ]
}

failed_tests() { # FOLDER: GROUP-MODE TEST
  local json
  for json in "$1"/*.json; do
    [ -s "$json" ] || continue
    jq -r --arg group "$(basename "$json" .json)" '.testsuites[].testsuite[] |
      select((.failures // []) | length > 0) | "\($group) \(.classname).\(.name)"' "$json"
  done
}

table_of() { # KERNEL
  local folder=$vm_dir/results/$1 group modes mode status=0
  while read -r group modes _; do
    case $group in '' | '#'*) continue ;; esac
    for mode in ${modes//,/ }; do row "$1" "$group" "$mode" || status=1; done
  done <"$root/vmtests/groups.txt"
  [ ! -e "$folder/about" ] || printf '%s: %s\n' "$1" "$(paste -sd' ' "$folder/about")"
  [ ! -e "$folder/slowness" ] || printf '%s: %s\n' "$1" "$(cat "$folder/slowness")"
  if [ -e "$folder/failure" ]; then
    printf '%s: %s\n' "$1" "$(cat "$folder/failure")"
    status=1
  fi
  failed_tests "$folder" | sed "s/^/$1: failed: /"
  cat "$folder"/*.log 2>/dev/null | sed -n 's/^status: /mode by itself: /p' | sed "s/^/$1: /"
  cat "$folder"/*.log 2>/dev/null | grep -A1 'Skipped$' | grep -v -e '^--$' -e 'Skipped$' |
    sort | uniq -c | sed "s/^ */$1: skipped: /" || true
  return "$status"
}

print_table() { # KERNEL...
  local kernel status=0
  {
    printf '%-24s %-14s %-5s %-8s %6s %6s %7s %8s %s\n' kernel group mode result passed failed skipped seconds commit
    for kernel in "$@"; do table_of "$kernel" || status=1; done
  } | tee "$vm_dir/table"
  return "${PIPESTATUS[0]}"
}
