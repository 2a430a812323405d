# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Shared by the scripts beside it: messages, packages, the BPF file system, the build folders.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$(basename "$0")

say() { printf '==> %s\n' "$*"; }

die() {
  printf '%s: error: %s\n' "$program" "$*" >&2
  exit 1
}

need_root() { # WHAT-FOR
  [ "$(id -u)" -eq 0 ] || die "$1 needs root; run it again as 'sudo scripts/$program'"
}

codename() {
  local name
  name=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  case $name in
    bookworm | trixie) printf '%s' "$name" ;;
    *) die "this is made for Debian 12 (bookworm) and 13 (trixie), not for '${name:-unknown}'; install the packages in scripts/packages/ by hand and call cmake" ;;
  esac
}

# --- packages ---------------------------------------------------------------------------------

listed_packages() { # LIST: those meant for this suite
  awk -v suite="$(codename)" '/^#/ || NF == 0 {next} NF == 1 || $2 == suite {print $1}' \
    "$root/scripts/packages/$1.txt"
}

installed_version() { # PACKAGE: nothing unless it is installed
  dpkg-query -W -f='${db:Status-Status} ${Version}\n' "$1" 2>/dev/null |
    awk '$1 == "installed" {print $2; exit}'
}

missing_packages() { # LIST...
  local list package
  for list in "$@"; do
    for package in $(listed_packages "$list"); do
      [ -n "$(installed_version "$package")" ] || printf '%s\n' "$package"
    done
  done | sort -u
}

missing_backports() {
  local package minimum have
  [ "$(codename)" = bookworm ] || return 0
  while read -r package minimum; do
    case $package in '' | \#*) continue ;; esac
    have=$(installed_version "$package")
    if [ -z "$have" ] || dpkg --compare-versions "$have" lt "$minimum"; then
      printf '%s\n' "$package"
    fi
  done <"$root/scripts/packages/backports.txt"
}

apt_get() { # waits up to ten minutes for another apt or dpkg
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 \
    -o APT::Install-Recommends=false -o Acquire::Retries=3 "$@" </dev/null
}

# The mirror that this host's own apt uses for SUITE, from either format of sources.
mirror_of() { # SUITE
  local files=()
  shopt -s nullglob
  files=(/etc/apt/sources.list /etc/apt/sources.list.d/*.list)
  awk -v suite="$1" '
    $1 == "deb" {
      i = 2
      if ($i ~ /^\[/) { while ($i !~ /\]$/ && i < NF) i++; i++ }
      if ($(i + 1) == suite) { print $i; exit }
    }' "${files[@]}" /dev/null 2>/dev/null | grep . && { shopt -u nullglob; return; }
  files=(/etc/apt/sources.list.d/*.sources)
  shopt -u nullglob
  [ ${#files[@]} -gt 0 ] || return 1
  awk -v suite="$1" '
    function flush() { if (ok && deb && !off && uri != "") { print uri; found = 1; exit } ok = deb = off = 0; uri = "" }
    FNR == 1 || /^[ \t]*$/ { flush() }
    /^#/ { next }
    tolower($1) == "types:" { for (i = 2; i <= NF; i++) if ($i == "deb") deb = 1 }
    tolower($1) == "uris:" { uri = $2 }
    tolower($1) == "suites:" { for (i = 2; i <= NF; i++) if ($i == suite) ok = 1 }
    tolower($1) == "enabled:" && tolower($2) == "no" { off = 1 }
    END { if (!found) flush() }' "${files[@]}" | grep .
}

# bookworm-backports by private lists: the host's own apt configuration stays as it is.
install_backports() { # PACKAGE...
  local mirror folder options
  mirror=$(mirror_of bookworm) ||
    die "no mirror with the suite 'bookworm' in /etc/apt/sources.list or /etc/apt/sources.list.d; needed for bookworm-backports"
  folder=$(mktemp -d /tmp/vtepd-apt.XXXXXX)
  mkdir -p "$folder/lists/partial"
  chmod -R a+rX "$folder"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
    "$mirror" bookworm "$mirror" bookworm-backports >"$folder/sources.list"
  options=(-o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=/none
    -o "Dir::State::lists=$folder/lists")
  say "installing from bookworm-backports: $*"
  if ! { apt_get "${options[@]}" update &&
    apt_get "${options[@]}" install -y -t bookworm-backports "$@"; }; then
    rm -rf "$folder"
    die "could not install $* from bookworm-backports"
  fi
  rm -rf "$folder"
}

ensure_packages() { # LIST...: installs what is missing, and says nothing if nothing is
  local packages=() backports=()
  # No process substitution: a bare root folder has no /dev/fd.
  read -ra packages <<<"$(missing_packages "$@" | tr '\n' ' ')"
  case " $* " in
    *' build '*) read -ra backports <<<"$(missing_backports | tr '\n' ' ')" ;;
  esac
  [ $((${#packages[@]} + ${#backports[@]})) -gt 0 ] || return 0
  [ "$(id -u)" -eq 0 ] ||
    die "these packages are missing and only root can install them: ${packages[*]} ${backports[*]}; run 'sudo scripts/deps'"
  [ ${#backports[@]} -eq 0 ] || install_backports "${backports[@]}"
  if [ ${#packages[@]} -gt 0 ]; then
    say "installing: ${packages[*]}"
    apt_get update || die "apt-get update failed"
    apt_get install -y "${packages[@]}" || die "could not install ${packages[*]}"
  fi
}

# --- the BPF file system ----------------------------------------------------------------------

bpffs_mounted_here=no

mount_bpffs() { # at its usual place, unless it is there
  [ "$(stat -f -c %T /sys/fs/bpf 2>/dev/null)" != bpf_fs ] || return 0
  [ -d /sys/fs/bpf ] || die "/sys/fs/bpf does not exist: mount /sys, or use a kernel with BPF"
  say "mounting the BPF file system at /sys/fs/bpf"
  mount -t bpf bpf /sys/fs/bpf || die "cannot mount the BPF file system at /sys/fs/bpf"
  bpffs_mounted_here=yes
}

unmount_bpffs() { # only what mount_bpffs mounted, and only once nobody keeps anything in it
  [ "$bpffs_mounted_here" = yes ] || return 0
  bpffs_mounted_here=no
  if [ -n "$(find /sys/fs/bpf -type f -print -quit 2>/dev/null)" ]; then
    say "leaving /sys/fs/bpf mounted: something else keeps pins in it"
    return 0
  fi
  umount /sys/fs/bpf
}

# --- building ---------------------------------------------------------------------------------

build_preset() { # PRESET [TARGET...]
  local preset=$1 log
  shift
  say "building build/$preset"
  log=$(mktemp)
  (
    cd "$root"
    cmake --preset "$preset" >"$log" 2>&1 || {
      cat "$log" >&2
      exit 1
    }
    cmake --build "build/$preset" -j "$(nproc)" ${1:+--target "$@"}
  ) || {
    rm -f "$log"
    die "building build/$preset failed"
  }
  rm -f "$log"
}

built_program() { # PRESET NAME: its path
  local path
  path=$(find "$root/build/$1" -name "$2" -type f -perm -u+x -not -path '*/CMakeFiles/*' -print -quit)
  [ -n "$path" ] || die "build/$1 has no program '$2'"
  printf '%s' "$path"
}
