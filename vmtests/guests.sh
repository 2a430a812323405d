# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What is special about a guest: sourced by vmtests/guest, whose `devices` and `wrapper` it may change.
# shellcheck disable=SC2034,SC2154

# A module that no modprobe finds any more, neither by its name nor by an alias.
without_module() { # MODULE...
  local module
  mkdir -p /run/modprobe.d
  for module in "$@"; do
    printf 'install %s /bin/false\n' "$module" >>/run/modprobe.d/vtepd-tests.conf
    ! grep -q "^$module " /proc/modules || rmmod "$module"
    ! modprobe "$module" 2>/dev/null || {
      echo "$module is still there" >&2
      return 1
    }
  done
}

prepare_guest() { # GUEST
  case $1 in
    plain) ;;
    no-bpf) wrapper=("$build/tests/support/vtepd_refuse" bpf) ;;
    no-clsact) without_module sch_ingress cls_bpf ;;
    no-btf) mount -t tmpfs none /sys/kernel/btf ;;
    no-vxlan) without_module vxlan ;;
    # Made by the tests in each host's own namespace: a bond cannot be moved to one.
    bond | vlan) devices=${devices//,/+$1,}+$1 ;;
    *)
      echo "no guest '$1' in vmtests/guests.sh" >&2
      return 1
      ;;
  esac
}
