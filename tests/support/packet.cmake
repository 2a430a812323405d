# SPDX-License-Identifier: GPL-2.0-only
# vtepd_test_packet: frames layer by layer, without libbpf.
include_guard(GLOBAL)
add_library(vtepd_test_packet STATIC
  ${CMAKE_CURRENT_LIST_DIR}/packet.cpp ${CMAKE_CURRENT_LIST_DIR}/packet_parts.cpp)
target_include_directories(vtepd_test_packet PUBLIC ${CMAKE_SOURCE_DIR}/tests)
target_link_libraries(vtepd_test_packet PRIVATE vtepd::flags)
