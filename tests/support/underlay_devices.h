// SPDX-License-Identifier: GPL-2.0-only
// Devices of this machine in place of the lab's own cables: VTEPD_TEST_UNDERLAY=eth0,eth1 makes the
// first the underlay of host 1, the second that of host 2. They have to be joined with each other.
// eth0+bond makes a bond of the one device the underlay, eth0+vlan a VLAN on it.
#pragma once

#include "support/netns.h"

#include <string>
#include <vector>

namespace vtepd::test {

// Empty: the lab makes its underlay of veth pairs and a bridge.
[[nodiscard]] const std::vector<std::string>& underlay_devices();

// Moves the device of host `number` into its namespace, as eth0, and back. A test that a kill
// broke off leaves it to the kernel to bring the device back, under whatever name is free then.
void take_underlay_device(int number, const NetNamespace& into, int mtu);
void give_underlay_device_back(int number, const NetNamespace& from);

// What the device of host `number` goes by in its namespace: not eth0 if something was made on it.
[[nodiscard]] std::string underlay_device_name(int number);

// Ends the running test as skipped, from wherever in it this is called.
[[noreturn]] void skip_test(const std::string& reason);

}  // namespace vtepd::test
