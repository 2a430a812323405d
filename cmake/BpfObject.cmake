# SPDX-License-Identifier: GPL-2.0-only
# add_bpf_object(<name> SOURCES <file.bpf.c>... [INCLUDES <dir>...])
# Compiles each source for the BPF target, links them into <name>.bpf.o (shared maps must be weak)
# and generates <name>.skel.h, whose C++ class is <name>_bpf. Link <name>::skeleton to use it.
find_program(BPF_CLANG NAMES clang clang-14 clang-19 REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)

function(add_bpf_object name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;INCLUDES")
  list(TRANSFORM arg_INCLUDES PREPEND -I OUTPUT_VARIABLE include_flags)
  set(objects)
  foreach(source IN LISTS arg_SOURCES)
    cmake_path(GET source STEM LAST_ONLY stem)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${stem}.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -fno-strict-aliasing -Wall -Wextra -Werror ${include_flags}
              -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -MD -MF ${object}.d
              -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d COMMENT "BPF ${stem}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(linked ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
  add_custom_command(OUTPUT ${linked} ${skeleton}
    COMMAND ${BPFTOOL} gen object ${linked} ${objects}
    COMMAND sh -c "${BPFTOOL} gen skeleton ${linked} name ${name}_bpf > ${skeleton}"
    DEPENDS ${objects} COMMENT "BPF skeleton ${name}" VERBATIM)
  add_custom_target(${name}_skeleton_gen DEPENDS ${skeleton})
  add_library(${name}_skeleton INTERFACE)
  add_library(${name}::skeleton ALIAS ${name}_skeleton)
  add_dependencies(${name}_skeleton ${name}_skeleton_gen)
  target_include_directories(${name}_skeleton SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(${name}_skeleton INTERFACE PkgConfig::LIBBPF)
endfunction()
