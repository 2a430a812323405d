# SPDX-License-Identifier: GPL-2.0-only
# vtepd::flags carries the warnings and sanitizers of our own code; nothing else sets them.
add_library(vtepd_flags INTERFACE)
add_library(vtepd::flags ALIAS vtepd_flags)
target_compile_options(vtepd_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Werror
  -Wno-missing-field-initializers) # designated initialisers leave the rest at its default on purpose
target_compile_definitions(vtepd_flags INTERFACE _GLIBCXX_ASSERTIONS)
target_include_directories(vtepd_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
if(VTEPD_SANITIZE)
  target_compile_options(vtepd_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(vtepd_flags INTERFACE -fsanitize=address,undefined)
endif()
if(VTEPD_FUZZ)
  target_compile_options(vtepd_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined)
  target_link_options(vtepd_flags INTERFACE -fsanitize=address,undefined)
endif()
