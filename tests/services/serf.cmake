# SPDX-License-Identifier: GPL-2.0-only
file(GLOB serf_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/serf_*.cpp)
add_executable(vtepd_services_serf ${serf_sources}
  ${CMAKE_SOURCE_DIR}/tests/support/netns.cpp ${CMAKE_SOURCE_DIR}/tests/support/process.cpp)
target_include_directories(vtepd_services_serf PRIVATE ${CMAKE_SOURCE_DIR}/tests)
target_link_libraries(vtepd_services_serf PRIVATE
  vtepd_serf vtepd::flags GTest::gmock GTest::gtest Threads::Threads nlohmann_json::nlohmann_json)
vtepd_gtest(vtepd_services_serf LABEL services PREFIX services/ TIMEOUT 120)
