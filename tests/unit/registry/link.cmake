# SPDX-License-Identifier: GPL-2.0-only
# The codecs' own headers show nlohmann-json; the concurrent tests run over the file store.
target_link_libraries(vtepd_unit_registry PRIVATE vtepd_filestore nlohmann_json::nlohmann_json
  Threads::Threads)
