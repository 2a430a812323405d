# SPDX-License-Identifier: GPL-2.0-only
target_link_libraries(vtepd_unit_serf PRIVATE vtepd_base vtepd_core nlohmann_json::nlohmann_json)
