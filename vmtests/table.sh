# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # root, vm_dir, only and path are of what sources this
# Tables of what the guests left in build/vm/results/, and of nothing else.

about() { # CELL WORD
  sed -n "s/^$2 //p" "$vm_dir/results/$1/about" 2>/dev/null | grep . || printf -- '-\n'
}

count_tests() { # JSON SELECTOR
  jq "[.testsuites[].testsuite[] | select($2)] | length" "$1"
}

readonly row_format='%-10s %-22s %-10s %-6s %-8s %6s %6s %7s %7s %-6s %-10s %s\n'

# A group is as good as its tests: nothing run is not green, and a group without results is missing.
# Prints `RESULT PASSED FAILED SKIPPED SECONDS PATH DATE COMMIT`.
outcome_of() { # CELL GROUP MODE
  local file=$vm_dir/results/$1/$2-$3 code seconds path_used date commit passed=0 failed=0 skipped=0 result=ok
  if [ ! -e "$file.end" ]; then
    echo "MISSING 0 0 0 - - - -"
    return 0
  fi
  read -r code seconds path_used date commit <"$file.end"
  if [ -s "$file.json" ]; then
    skipped=$(count_tests "$file.json" '.result == "SKIPPED"')
    failed=$(count_tests "$file.json" '.result == "COMPLETED" and ((.failures // []) | length > 0)')
    passed=$(count_tests "$file.json" '.result == "COMPLETED" and ((.failures // []) | length == 0)')
  fi
  if [ "$code" -ne 0 ]; then
    result=FAILED
  elif [ "$passed" -eq 0 ]; then
    result=SKIPPED
  fi
  echo "$result $passed $failed $skipped $seconds $path_used $date $commit"
}

# `GROUP MODE` of what is meant for a cell. With --path what did not run was not asked for.
groups_of() { # CELL
  local guest group guests modes mode
  guest=$(describe_cell "$1" | cut -d' ' -f3)
  while read -r group guests modes _; do
    case $group in '' | '#'*) continue ;; esac
    [[ -z $only || ,$only, = *,$group,* ]] || continue
    [[ ,$guests, = *,$guest,* ]] || continue
    for mode in ${modes//,/ }; do
      [ "$path" != all ] && [ ! -e "$vm_dir/results/$1/$group-$mode.end" ] || echo "$group $mode"
    done
  done <"$root/vmtests/groups.txt"
}

failed_tests() { # FOLDER: GROUP-MODE TEST
  local json
  for json in "$1"/*.json; do
    [ -s "$json" ] || continue
    jq -r --arg group "$(basename "$json" .json)" '.testsuites[].testsuite[] |
      select((.failures // []) | length > 0) | "\($group) \(.classname).\(.name)"' "$json"
  done
}

skipped_tests() { # FOLDER: how many for which reason
  cat "$1"/*.log 2>/dev/null | grep -A1 'Skipped$' | grep -v -e '^--$' -e 'Skipped$' | sort | uniq -c |
    sed 's/^ *//'
}

# The most instructions that the verifier processed for each program, whatever features were on.
verifier_counts() { # CELL: PROGRAM COUNT
  local json=$vm_dir/results/$1/programs-prog.json
  [ -s "$json" ] || return 0
  jq -r '[.testsuites[].testsuite[] | to_entries[] | select(.key | startswith("vtep_")) |
    {key, value: (.value | tonumber)}] | group_by(.key)[] | "\(.[0].key) \(map(.value) | max)"' "$json"
}

# What a row cannot say: how the machine was, and what was wrong.
notes_of() { # CELL
  local folder=$vm_dir/results/$1 counts
  [ ! -e "$folder/about" ] ||
    echo "package $(about "$1" package) of $(about "$1" suite), guest $(about "$1" guest), $(about "$1" seconds) s"
  [ ! -e "$folder/slowness" ] ||
    awk '{print "slowness " $1 ": " $2 " ms for what takes the host " $3 " ms"}' "$folder/slowness"
  [ ! -e "$folder/probe" ] || grep '^data path: ' "$folder/probe" || echo "probe found no data path"
  counts=$(verifier_counts "$1" | paste -sd' ')
  [ -z "$counts" ] || echo "verifier: $counts"
  failed_tests "$folder" | sed 's/^/failed: /'
  skipped_tests "$folder" | sed 's/^/skipped: /' || true
  [ ! -e "$folder/failure" ] || sed 's/^/MISSING: /' "$folder/failure"
}

table_of() { # CELL
  local group mode outcome status=0
  while read -r group mode; do
    [ -n "$group" ] || continue
    read -ra outcome <<<"$(outcome_of "$1" "$group" "$mode")"
    # shellcheck disable=SC2059 # a format of ours
    printf "$row_format" "$1" "$(about "$1" release)" "$group" "$mode" "${outcome[@]}"
    [ "${outcome[0]}" = ok ] || status=1
  done <<<"$(groups_of "$1")"
  notes_of "$1" | sed "s/^/$1: /"
  [ ! -e "$vm_dir/results/$1/failure" ] || status=1
  return "$status"
}

print_table() { # CELL...
  local cell status=0
  {
    # shellcheck disable=SC2059
    printf "$row_format" cell kernel group mode result passed failed skipped seconds path date commit
    for cell in "$@"; do table_of "$cell" || status=1; done
    exit "$status"
  } | tee "$vm_dir/table"
  return "${PIPESTATUS[0]}"
}

# --- for docs/kernels.md ----------------------------------------------------------------------

markdown_row() { # WORD...
  printf '|'
  printf ' %s |' "$@"
  printf '\n'
}

markdown_head() { # WORD...
  markdown_row "$@"
  markdown_row "${@/*/---}"
}

markdown_cells() { # CELL...
  local cell failure
  markdown_head cell kernel package guest 'data path by itself' slowness 'seconds of its groups' 'date, commits'
  for cell in "$@"; do
    failure=$(cat "$vm_dir/results/$cell/failure" 2>/dev/null || true)
    markdown_row "$cell" "$(about "$cell" release)" "$(about "$cell" package)" "$(about "$cell" guest)" \
      "${failure:-$(sed -n 's/^data path: \([a-z]*\).*/\1/p' "$vm_dir/results/$cell/probe" 2>/dev/null)}" \
      "$(cut -d' ' -f1 "$vm_dir/results/$cell/slowness" 2>/dev/null)" \
      "$(cat "$vm_dir/results/$cell"/*.end 2>/dev/null | awk '{sum += $2} END {print sum}')" \
      "$(cat "$vm_dir/results/$cell"/*.end 2>/dev/null | awk '!seen[$5]++ {text = text " " $5; date = $4} END {print date "," text}')"
  done
}

short() { # RESULT PASSED FAILED SKIPPED ..., or `-`
  case $1 in
    -)
      printf -- -
      return
      ;;
    ok) printf '%s passed' "$2" ;;
    FAILED) printf '**%s failed**, %s passed' "$3" "$2" ;;
    *) printf '%s' "${1,,}" ;;
  esac
  [ "$1" = MISSING ] || [ "$4" = 0 ] || printf ', %s skipped' "$4"
}

markdown_groups() { # CELL...
  local cell group mode row outcome
  local -A meant=()
  markdown_head group mode "$@"
  for cell in "$@"; do meant[$cell]=$(groups_of "$cell"); done
  # In the order of the file, each once.
  for cell in "$@"; do printf '%s\n' "${meant[$cell]}"; done | awk 'NF && !seen[$0]++' | while read -r group mode; do
    row=()
    for cell in "$@"; do
      outcome=()
      ! grep -qx "$group $mode" <<<"${meant[$cell]}" ||
        read -ra outcome <<<"$(outcome_of "$cell" "$group" "$mode")"
      row+=("$(short "${outcome[@]:--}")")
    done
    markdown_row "$group" "$mode" "${row[@]}"
  done
}

markdown_verifier() { # CELL...
  local cell name row count
  markdown_head program "$@"
  for cell in "$@"; do verifier_counts "$cell"; done | cut -d' ' -f1 | sort -u | while read -r name; do
    row=()
    for cell in "$@"; do
      count=$(verifier_counts "$cell" | sed -n "s/^$name //p")
      row+=("${count:--}")
    done
    markdown_row "\`$name\`" "${row[@]}"
  done
}

# Machines that lack something, or have another underlay: what ran differs from one to the other.
markdown_special() { # CELL...
  local cell group mode outcome
  markdown_head cell group mode result 'data path'
  for cell in "$@"; do
    while read -r group mode; do
      [ -n "$group" ] || continue
      read -ra outcome <<<"$(outcome_of "$cell" "$group" "$mode")"
      markdown_row "$cell" "$group" "$mode" "$(short "${outcome[@]}")" "${outcome[5]}"
    done <<<"$(groups_of "$cell")"
  done
}

print_markdown() { # CELL...
  local cell plain=() special=()
  for cell in "$@"; do
    if [ "$(describe_cell "$cell" | cut -d' ' -f3)" = plain ]; then plain+=("$cell"); else special+=("$cell"); fi
  done
  markdown_cells "$@"
  if [ ${#plain[@]} -gt 0 ]; then
    printf '\n'
    markdown_groups "${plain[@]}"
    printf '\nInstructions that the verifier processed, at most, over the features that the kernel has:\n\n'
    markdown_verifier "${plain[@]}"
  fi
  [ ${#special[@]} -gt 0 ] || return 0
  printf '\n'
  markdown_special "${special[@]}"
}
