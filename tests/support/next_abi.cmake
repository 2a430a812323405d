# SPDX-License-Identifier: GPL-2.0-only
# vtepd_next_abi: the daemon as a release with other maps would be, for the tests of an upgrade. Its
# ABI number, ${next_abi}, is the only difference: that alone makes each of the two unable to read
# the other's maps.
include_guard()
if(TARGET vtepd)
  file(STRINGS ${CMAKE_SOURCE_DIR}/include/vtepd/abi.h line REGEX "^#define VTEP_ABI_VERSION [0-9]+$")
  string(REGEX REPLACE ".* " "" next_abi "${line}")
  math(EXPR next_abi "${next_abi} + 1")

  # The sources, relative to their folder, and the libraries of a target.
  function(vtepd_again name target folder)
    get_target_property(sources ${target} SOURCES)
    list(TRANSFORM sources PREPEND ${folder}/)
    get_target_property(libraries ${target} LINK_LIBRARIES)
    list(TRANSFORM libraries REPLACE "^vtepd_bpf$" "vtepd_bpf_next_abi")
    target_sources(${name} PRIVATE ${sources})
    target_link_libraries(${name} PRIVATE ${libraries})
  endfunction()

  add_library(vtepd_bpf_next_abi STATIC)
  vtepd_again(vtepd_bpf_next_abi vtepd_bpf ${CMAKE_SOURCE_DIR}/agent/bpf)
  target_include_directories(vtepd_bpf_next_abi PUBLIC ${CMAKE_SOURCE_DIR}/agent ${CMAKE_SOURCE_DIR}/include)
  target_compile_definitions(vtepd_bpf_next_abi PRIVATE VTEP_ABI_VERSION=${next_abi})

  add_executable(vtepd_next_abi)
  vtepd_again(vtepd_next_abi vtepd ${CMAKE_SOURCE_DIR}/agent)
  target_compile_definitions(vtepd_next_abi PRIVATE VTEPD_VERSION="${PROJECT_VERSION}-next-abi")
endif()
