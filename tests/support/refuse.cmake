# SPDX-License-Identifier: GPL-2.0-only
# vtepd_refuse: runs a command on what looks like a kernel without bpf(2) or netfilter.
add_executable(vtepd_refuse ${CMAKE_CURRENT_LIST_DIR}/refuse.cpp)
target_link_libraries(vtepd_refuse PRIVATE vtepd::flags)
