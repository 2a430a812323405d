// SPDX-License-Identifier: GPL-2.0-only
#include "packet.h"

#include <span>

namespace vtepd::test {

namespace {

void put8(Bytes& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value));
}

void put16(Bytes& out, std::uint32_t value) {
  put8(out, value >> 8);
  put8(out, value);
}

void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value);
}

template <typename Range>
void put(Bytes& out, const Range& bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void set16(Bytes& out, std::size_t at, std::uint16_t value) {
  out[at] = static_cast<std::uint8_t>(value >> 8);
  out[at + 1] = static_cast<std::uint8_t>(value);
}

struct EtherTypeOf {
  std::uint16_t operator()(const Vlan& layer) const { return layer.tpid; }

  std::uint16_t operator()(const Ipv4&) const { return 0x0800; }

  std::uint16_t operator()(const Ipv6&) const { return 0x86dd; }

  std::uint16_t operator()(const Arp&) const { return 0x0806; }

  template <typename L>
  std::uint16_t operator()(const L&) const {
    return 0x88b5;  // for local experiments
  }
};

struct ProtocolOf {
  std::uint8_t operator()(const Ipv6Ext& layer) const { return layer.number; }

  std::uint8_t operator()(const Udp&) const { return 17; }

  std::uint8_t operator()(const Tcp&) const { return 6; }

  std::uint8_t operator()(const Icmp&) const { return 1; }

  std::uint8_t operator()(const Icmpv6&) const { return 58; }

  template <typename L>
  std::uint8_t operator()(const L&) const {
    return 59;  // no next header
  }
};

std::uint16_t ether_type(const Layer* next) {
  return next == nullptr ? 0x88b5 : std::visit(EtherTypeOf{}, *next);
}

std::uint8_t protocol(const Layer* next) {
  return next == nullptr ? 59 : std::visit(ProtocolOf{}, *next);
}

// Writes one layer in front of `payload`. `before` are the layers outside, for pseudo-headers.
struct Writer {
  const Bytes& payload;
  std::span<const Layer> before;
  const Layer* next;

  // Sum of the enclosing IP header's pseudo-header, or 0 without one.
  [[nodiscard]] std::uint32_t pseudo_sum(std::uint8_t proto, std::size_t size) const {
    Bytes pseudo;
    for (const Layer& layer : before) {
      if (const auto* ip = std::get_if<Ipv4>(&layer)) {
        pseudo.clear();
        put(pseudo, ip->src.bytes);
        put(pseudo, ip->dst.bytes);
      } else if (const auto* ip6 = std::get_if<Ipv6>(&layer)) {
        pseudo.clear();
        put(pseudo, ip6->src.bytes);
        put(pseudo, ip6->dst.bytes);
      }
    }
    put32(pseudo, static_cast<std::uint32_t>(size));
    put32(pseudo, proto);
    return static_cast<std::uint16_t>(~internet_checksum(pseudo));
  }

  // Appends the payload and fills the checksum at `at`.
  [[nodiscard]] Bytes sealed(Bytes out, std::size_t at, std::uint32_t initial,
                             std::optional<std::uint16_t> given) const {
    put(out, payload);
    set16(out, at, given.value_or(internet_checksum(out, initial)));
    return out;
  }

  Bytes operator()(const Ethernet& layer) const {
    Bytes out;
    put(out, layer.dst.bytes);
    put(out, layer.src.bytes);
    put16(out, layer.type.value_or(ether_type(next)));
    put(out, payload);
    return out;
  }

  Bytes operator()(const Vlan& layer) const {
    Bytes out;
    put16(out, layer.id);
    put16(out, layer.type.value_or(ether_type(next)));
    put(out, payload);
    return out;
  }

  Bytes operator()(const Ipv4& layer) const {
    const std::size_t header = 20 + layer.options.size();
    Bytes out;
    put8(out, layer.version_ihl.value_or(static_cast<std::uint8_t>(0x40 | (header / 4))));
    put8(out, layer.tos);
    put16(out, layer.length.value_or(static_cast<std::uint16_t>(header + payload.size())));
    put16(out, layer.id);
    put16(out, layer.fragment);
    put8(out, layer.ttl);
    put8(out, layer.proto.value_or(protocol(next)));
    put16(out, 0);
    put(out, layer.src.bytes);
    put(out, layer.dst.bytes);
    put(out, layer.options);
    set16(out, 10, layer.checksum.value_or(internet_checksum(out)));
    put(out, payload);
    return out;
  }

  Bytes operator()(const Ipv6& layer) const {
    Bytes out;
    put32(out, 6U << 28 | static_cast<std::uint32_t>(layer.traffic_class) << 20);
    put16(out, layer.length.value_or(static_cast<std::uint16_t>(payload.size())));
    put8(out, layer.next.value_or(protocol(next)));
    put8(out, layer.hop_limit);
    put(out, layer.src.bytes);
    put(out, layer.dst.bytes);
    put(out, payload);
    return out;
  }

  Bytes operator()(const Ipv6Ext& layer) const {
    Bytes out;
    put8(out, layer.next.value_or(protocol(next)));
    put(out, layer.body);
    put(out, payload);
    return out;
  }

  Bytes operator()(const Udp& layer) const {
    const std::size_t size = 8 + payload.size();
    Bytes out;
    put16(out, layer.src);
    put16(out, layer.dst);
    put16(out, layer.length.value_or(static_cast<std::uint16_t>(size)));
    put16(out, 0);
    return sealed(std::move(out), 6, pseudo_sum(17, size), layer.checksum);
  }

  Bytes operator()(const Tcp& layer) const {
    Bytes out;
    put16(out, layer.src);
    put16(out, layer.dst);
    put32(out, layer.seq);
    put32(out, 0);
    put8(out, 5 << 4);
    put8(out, layer.flags);
    put16(out, 65535);
    put32(out, 0);
    return sealed(std::move(out), 16, pseudo_sum(6, 20 + payload.size()), layer.checksum);
  }

  Bytes operator()(const Icmp& layer) const {
    Bytes out{layer.type, layer.code, 0, 0};
    put32(out, layer.rest);
    return sealed(std::move(out), 2, 0, layer.checksum);
  }

  Bytes operator()(const Icmpv6& layer) const {
    Bytes out{layer.type, layer.code, 0, 0};
    put(out, layer.body);
    return sealed(std::move(out), 2, pseudo_sum(58, 4 + layer.body.size() + payload.size()),
                  layer.checksum);
  }

  Bytes operator()(const Arp& layer) const {
    Bytes out;
    put16(out, layer.hardware);
    put16(out, 0x0800);
    put16(out, 0x0604);
    put16(out, layer.op);
    put(out, layer.sender_mac.bytes);
    put(out, layer.sender.bytes);
    put(out, layer.target_mac.bytes);
    put(out, layer.target.bytes);
    put(out, payload);
    return out;
  }

  Bytes operator()(const Vxlan& layer) const {
    Bytes out;
    put32(out, static_cast<std::uint32_t>(layer.flags) << 24 | layer.reserved);
    put32(out, layer.vni << 8);
    put(out, payload);
    return out;
  }

  Bytes operator()(const Payload& layer) const {
    Bytes out = layer.bytes;
    put(out, payload);
    return out;
  }
};

}  // namespace

Packet operator/(Packet left, const Packet& right) {
  left.layers_.insert(left.layers_.end(), right.layers_.begin(), right.layers_.end());
  return left;
}

Bytes Packet::bytes() const {
  Bytes out;
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Layer* next = i + 1 < layers_.size() ? &layers_[i + 1] : nullptr;
    out = std::visit(Writer{out, std::span(layers_).first(i), next}, layers_[i]);
  }
  return out;
}

}  // namespace vtepd::test
