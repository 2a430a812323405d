# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Kernels and tools of other suites, unpacked into build/vm/: nothing is installed, and the host's
# own apt configuration stays as it is.
# shellcheck disable=SC2154 # root is of scripts/lib.sh, which is sourced before
vm_dir=$root/build/vm

known_cells() { awk '/^#/ || NF == 0 {next} {print $1}' "$root/vmtests/kernels.txt"; }

describe_cell() { # CELL: its KERNEL SUITES GUEST CPUS OPTIONS...
  awk -v cell="$1" '$1 == cell {if (!$5) $5 = 2; $1 = ""; print substr($0, 2)}' "$root/vmtests/kernels.txt" | grep . ||
    die "no kernel '$1' in vmtests/kernels.txt; there are: $(known_cells | tr '\n' ' ')"
}

# Why a cell is missing: shown at once, and kept for the table.
complain() {
  printf '%s\n' "$*" >&2
  printf '%s\n' "$*" >>"$vm_dir/complaints"
}

suite_options() { # SUITE: options of apt, one a line
  printf '%s\n' -o "Dir::Etc::sourcelist=$vm_dir/apt/$1/sources.list" -o Dir::Etc::sourceparts=/none \
    -o "Dir::State::lists=$vm_dir/apt/$1/lists" -o Dir::Etc::preferencesparts=/none \
    -o Dir::Etc::preferences=/none -o "Dir::Cache=$vm_dir/apt/$1/cache" -o APT::Sandbox::User=root
}

# Asks the mirror anew once a day. Without the mirror yesterday's list will do.
update_suite() { # SUITE
  local folder=$vm_dir/apt/$1 mirror options=()
  [ -z "$(find "$folder/updated" -mmin -1440 2>/dev/null)" ] || return 0
  mirror=$(mirror_of "$(codename)") || {
    complain "no mirror with the suite '$(codename)' in /etc/apt/sources.list or /etc/apt/sources.list.d"
    return 1
  }
  mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
    "$mirror" "$1" >"$folder/sources.list"
  mapfile -t options <<<"$(suite_options "$1")"
  say "asking the mirror what $1 has"
  if apt_get "${options[@]}" -o APT::Update::Error-Mode=any update >"$folder/log" 2>&1; then
    touch "$folder/updated"
  elif [ -e "$folder/updated" ]; then
    say "the mirror does not answer for $1; going by its list of $(date -r "$folder/updated" +%F)"
  else
    tail -n 3 "$folder/log" >&2
    complain "the mirror in use for $(codename) has no suite '$1', or does not answer"
    return 1
  fi
}

suite_cache() { # SUITE APT-CACHE-ARGUMENT...
  local options=() suite=$1
  shift
  mapfile -t options <<<"$(suite_options "$suite")"
  apt-cache "${options[@]}" "$@" 2>/dev/null
}

candidate() { # SUITE PACKAGE: its newest version there
  suite_cache "$1" madison "$2" | awk -F'|' '{gsub(/ /, "", $2); print $2; exit}' | grep .
}

# The kernel package that the suite's linux-image-amd64 means, and what it is split into.
kernel_packages() { # SUITE
  suite_cache "$1" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
    --no-replaces --no-enhances linux-image-amd64 |
    sed -n 's/^ *|\{0,1\}Depends: //p' | grep -E '^linux-(image|binary|modules)-[0-9].*-amd64$' |
    sort -u | grep .
}

# Downloads a package unless this very version is unpacked there already.
unpack() { # SUITE PACKAGE FOLDER
  local version stamp=$3/.unpacked/$2 options=()
  version=$(candidate "$1" "$2") || {
    complain "$1 has no package '$2'"
    return 1
  }
  [ "$(cat "$stamp" 2>/dev/null)" != "$version" ] || return 0
  mapfile -t options <<<"$(suite_options "$1")"
  mkdir -p "$3/.unpacked"
  rm -f "$3"/*.deb
  say "fetching $2 $version from $1"
  (cd "$3" && apt_get "${options[@]}" download "$2=$version" >"$3/.unpacked/log" 2>&1) || {
    tail -n 3 "$3/.unpacked/log" >&2
    complain "could not download $2 $version from $1"
    return 1
  }
  dpkg -x "$3"/*.deb "$3" || return 1
  rm -f "$3"/*.deb
  printf '%s\n' "$version" >"$stamp"
}

# Newer packages have the kernel beside its modules in /usr/lib, where virtme-ng looks for neither.
arrange() { # FOLDER RELEASE
  local image=usr/lib/modules/$2/vmlinuz
  [ -e "$1/lib" ] || ln -s usr/lib "$1/lib"
  mkdir -p "$1/boot"
  [ -e "$1/boot/vmlinuz-$2" ] || [ ! -e "$1/$image" ] || ln -s "../$image" "$1/boot/vmlinuz-$2"
  [ -e "$1/lib/modules/$2/modules.dep.bin" ] || depmod -b "$1" "$2"
}

# Leaves the kernel in build/vm/kernels/RELEASE and prints `FOLDER RELEASE PACKAGE-VERSION SUITE`.
fetch_of() { # KERNEL SUITE
  local packages package image folder release
  update_suite "$2" >&2 || return 1
  packages=$(kernel_packages "$2") || {
    complain "$2 has no linux-image-amd64 that depends on a kernel"
    return 1
  }
  image=$(grep -E '^linux-(image|binary)-' <<<"$packages" | head -n 1)
  release=${image#linux-image-}
  release=${release#linux-binary-}
  # shellcheck disable=SC2254 # `*` is meant
  case $release in
    $1[.+-]*) ;;
    *)
      complain "$2 has Linux $release now, not $1"
      return 1
      ;;
  esac
  folder=$vm_dir/kernels/$release
  for package in $packages; do
    unpack "$2" "$package" "$folder" >&2 || return 1
  done
  arrange "$folder" "$release" >&2 || {
    complain "$2's Linux $release is packed in a way that vmtests/packages.sh does not know"
    return 1
  }
  printf '%s %s %s %s\n' "$folder" "$release" "$(candidate "$2" "$image")" "$2"
}

fetch_kernel() { # KERNEL SUITES
  local suite
  : >"$vm_dir/complaints"
  for suite in ${2//,/ }; do fetch_of "$1" "$suite" && return 0; done
  return 1
}

# virtme-ng is in no suite before trixie; it is Python alone.
fetch_virtme() {
  update_suite trixie && unpack trixie virtme-ng "$vm_dir/virtme-ng"
}
