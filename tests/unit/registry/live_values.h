// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

// What a dockerd 20.10 wrote into Consul, byte for byte but for the ids.
namespace vtepd::test {

inline const std::string kNetworkId = std::string(63, 'a') + "1";
inline const std::string kEndpointId = std::string(63, 'b') + "2";
inline const std::string kSandboxId = std::string(63, 'c') + "3";

inline const std::string kLiveNetwork =
    R"({"addrSpace":"GlobalDefault","attachable":false,"configFrom":"","configOnly":false,)"
    R"("created":"2026-11-22T05:02:47.900332755Z","enableIPv6":false,)"
    R"("generic":{"com.docker.network.enable_ipv6":false,"com.docker.network.generic":{}},"id":")" +
    kNetworkId +
    R"(","inDelete":false,"ingress":false,"internal":false,"ipamOptions":{},"ipamType":"default",)"
    R"("ipamV4Config":"[{\"PreferredPool\":\"192.168.0.0/24\",\"SubPool\":\"\",\"Gateway\":\"\",)"
    R"(\"AuxAddresses\":null}]","ipamV4Info":"[{\"IPAMData\":\"{\\\"AddressSpace\\\":)"
    R"(\\\"GlobalDefault\\\",\\\"Gateway\\\":\\\"192.168.0.1/24\\\",\\\"Pool\\\":)"
    R"(\\\"192.168.0.0/24\\\"}\",\"PoolID\":\"GlobalDefault/192.168.0.0/24\"}]","labels":{},)"
    R"("loadBalancerIP":"","loadBalancerMode":"NAT","name":"demonet","networkType":"overlay",)"
    R"("persist":true,"postIPv6":false,"scope":"global"})";

inline const std::string kLiveOverlay =
    R"({"mtu":0,"secure":false,"subnets":[{"SubnetIP":"192.168.0.0/24","GwIP":"192.168.0.1/24",)"
    R"("Vni":256}]})";

inline const std::string kLiveEndpoint =
    R"({"anonymous":false,"disableResolution":false,"ep_iface":{"addr":"192.168.0.100/24",)"
    R"("dstPrefix":"eth","mac":"02:42:c0:a8:00:64","routes":null,"srcName":"vethc36d36a",)"
    R"("v4PoolID":"GlobalDefault/192.168.0.0/24","v6PoolID":""},"exposed_ports":[],"generic":)"
    R"({"com.docker.network.endpoint.exposedports":[],"com.docker.network.portmap":[]},"id":")" +
    kEndpointId +
    R"(","ingressPorts":null,"joinInfo":{"StaticRoutes":null,"disableGatewayService":false},)"
    R"("loadBalancer":false,"locator":"10.99.0.2","myAliases":["8a4647f3a93f"],"name":"C0",)"
    R"("sandbox":")" +
    kSandboxId + R"(","svcAliases":null,"svcID":"","svcName":"","virtualIP":"\u003cnil\u003e"})";

inline const std::string kLiveCount = R"({"Count":1})";
inline const std::string kLiveVnis =
    R"({"id":"vxlan-id","sequence":"AAAAAAD//wAAAAAAAP/+/4AAAAAAAAAAAAAAAQAAAAAAAAAAAAf/9w=="})";
inline const std::string kLivePools =
    R"({"Scope":"global","Subnets":{"GlobalDefault/192.168.0.0/24":{"ParentKey":)"
    R"({"AddressSpace":"","Subnet":"","ChildSubnet":""},"Pool":"192.168.0.0/24","RefCount":1}}})";
inline const std::string kLiveAddresses =
    R"({"id":"GlobalDefault/192.168.0.0/24","sequence":"AAAAAAAAAQAAAAAAAAAA/MAAAAAAAAAAAAAAAQAAAAA)"
    R"(AAAAAAAAAAggAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAwAAAAEAAAAAAAAAAQ=="})";

}  // namespace vtepd::test
