# SPDX-License-Identifier: GPL-2.0-only
# vtepd_test_lab: namespaces, processes, captures, traffic, and hosts that run a vtepd.
include(${CMAKE_CURRENT_LIST_DIR}/packet.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/next_abi.cmake)
if(TARGET vtepd AND TARGET vtepctl)
  add_library(vtepd_test_lab STATIC
    ${CMAKE_CURRENT_LIST_DIR}/capture.cpp
    ${CMAKE_CURRENT_LIST_DIR}/cgroup.cpp
    ${CMAKE_CURRENT_LIST_DIR}/consul.cpp
    ${CMAKE_CURRENT_LIST_DIR}/consul_keys.cpp
    ${CMAKE_CURRENT_LIST_DIR}/datagrams.cpp
    ${CMAKE_CURRENT_LIST_DIR}/docker.cpp
    ${CMAKE_CURRENT_LIST_DIR}/docker_machine.cpp
    ${CMAKE_CURRENT_LIST_DIR}/frames.cpp
    ${CMAKE_CURRENT_LIST_DIR}/host.cpp
    ${CMAKE_CURRENT_LIST_DIR}/keepalived.cpp
    ${CMAKE_CURRENT_LIST_DIR}/lab.cpp
    ${CMAKE_CURRENT_LIST_DIR}/loss_meter.cpp
    ${CMAKE_CURRENT_LIST_DIR}/mixed_lab.cpp
    ${CMAKE_CURRENT_LIST_DIR}/netns.cpp
    ${CMAKE_CURRENT_LIST_DIR}/pinned_map.cpp
    ${CMAKE_CURRENT_LIST_DIR}/process.cpp
    ${CMAKE_CURRENT_LIST_DIR}/sockets.cpp
    ${CMAKE_CURRENT_LIST_DIR}/store.cpp
    ${CMAKE_CURRENT_LIST_DIR}/traffic.cpp
    ${CMAKE_CURRENT_LIST_DIR}/underlay_devices.cpp)
  target_include_directories(vtepd_test_lab PUBLIC ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(vtepd_test_lab PRIVATE
    VTEPD_CONSUL_PROGRAM="${CMAKE_SOURCE_DIR}/build/peers/consul/usr/bin/consul"
    VTEPD_PEERS="${CMAKE_SOURCE_DIR}/build/peers"
    VTEPD_DOCKER_MACHINE="${CMAKE_CURRENT_LIST_DIR}/docker_machine"
    VTEPD_PROGRAM="$<TARGET_FILE:vtepd>" VTEPCTL_PROGRAM="$<TARGET_FILE:vtepctl>"
    VTEPD_NEXT_ABI_PROGRAM="$<TARGET_FILE:vtepd_next_abi>" VTEPD_NEXT_ABI=${next_abi})
  target_link_libraries(vtepd_test_lab PUBLIC vtepd_test_packet nlohmann_json::nlohmann_json
    GTest::gtest Threads::Threads PRIVATE vtepd_registry vtepd::flags)
  add_dependencies(vtepd_test_lab vtepd vtepctl vtepd_next_abi)
endif()
