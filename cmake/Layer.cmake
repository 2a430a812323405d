# SPDX-License-Identifier: GPL-2.0-only
# vtepd_layer(<name> SOURCES <file>... [USES <layer>...] [LIBRARIES <target>...])
# One static library per folder of agent/. USES names the layers whose headers it may include, so
# that the link graph is the dependency rule; LIBRARIES are third-party and stay private.
function(vtepd_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES;LIBRARIES")
  list(TRANSFORM arg_USES PREPEND vtepd_ OUTPUT_VARIABLE uses)
  add_library(vtepd_${name} STATIC ${arg_SOURCES})
  target_include_directories(vtepd_${name} PUBLIC ${CMAKE_SOURCE_DIR}/agent)
  target_link_libraries(vtepd_${name} PUBLIC tl::expected ${uses} PRIVATE vtepd::flags ${arg_LIBRARIES})
endfunction()
