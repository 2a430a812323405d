# SPDX-License-Identifier: GPL-2.0-only
# vtepd_refuse_bpf: runs a command on what looks like a kernel without bpf(2).
add_executable(vtepd_refuse_bpf ${CMAKE_CURRENT_LIST_DIR}/refuse_bpf.cpp)
target_link_libraries(vtepd_refuse_bpf PRIVATE vtepd::flags)
