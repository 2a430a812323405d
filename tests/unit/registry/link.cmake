# SPDX-License-Identifier: GPL-2.0-only
# The codecs' own headers show nlohmann-json; the concurrent tests run over the file store.
target_link_libraries(vtepd_unit_registry PRIVATE vtepd_filestore nlohmann_json::nlohmann_json
  Threads::Threads)
target_compile_definitions(vtepd_unit_registry PRIVATE
  VTEPD_DOCKER_VALUES="${CMAKE_CURRENT_LIST_DIR}/docker")
