# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Shared by the checks: which files are ours, and how a finding is told. Runs in the source folder.
found=0

object() { # TEXT
  printf '%s\n' "$*"
  found=$((found + 1))
}

conclude() { # exit code of the check
  [ "$found" -eq 0 ] && exit 0
  printf '%d to mend\n' "$found"
  exit 1
}

skip() { # REASON
  printf 'skipped: %s\n' "$*"
  exit 77
}

# Files of the project under the given folders (all of it by default), whatever git says of them.
our_files() { # [FOLDER...] -- FIND-EXPRESSION...
  local folders=()
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    [ ! -e "$1" ] || folders+=("$1")
    shift
  done
  shift
  [ ${#folders[@]} -gt 0 ] || return 0
  find "${folders[@]}" \( -path ./build -o -path ./.git -o -name '.cache' \) -prune -o -type f \
    \( "$@" \) -print | sort
}

our_scripts() { # executable shell scripts, and what they source
  our_files scripts .ci tests packaging vmtests -- ! -name '*.cpp' ! -name '*.h' |
    while read -r file; do
      case $(head -c 64 "$file" | tr -d '\0' | sed -n 1p) in
        '#!'*sh* | '# shellcheck shell='*) printf '%s\n' "$file" ;;
      esac
    done
}
