# SPDX-License-Identifier: GPL-2.0-only
target_link_libraries(vtepd_unit_nft PRIVATE vtepd_base vtepd_core)
