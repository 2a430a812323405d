# SPDX-License-Identifier: GPL-2.0-only
target_compile_definitions(vtepd_unit_config PRIVATE
  VTEPD_EXAMPLE_CONFIG="${CMAKE_SOURCE_DIR}/packaging/vtepd.toml")
