// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "nft/context.h"
#include "nft/elements.h"
#include "nft/listing.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace vtepd::nft {

// What a table of ours is made of.
struct Layout {
  std::string family;
  std::string name;
  std::string text;                  // "table … { … }": sets, chains and rules, no elements
  std::vector<std::string> counted;  // the sets whose elements count
  bool named_elements = false;       // elements begin with an interface's name

  [[nodiscard]] std::string title() const { return "table " + family + " " + name; }
};

// Elements to take out and to put in, all in one transaction.
struct Change {
  std::vector<ElementKey> remove;
  Elements put;
};

// One table in the kernel. Its rules stay as they are made; what changes is what is in its sets. A
// counter whose name has the digests of the layout and of the rules as the kernel has them tells a
// table of ours that nobody touched from one of another version, or one that was tampered with.
class Table {
 public:
  // Given what is in the table, how to make of it what is wanted. Called again if the kernel
  // refuses that. No Change is split.
  using Plan = std::function<std::vector<Change>(const Elements& have)>;

  Table(Context context, Layout layout);

  // Makes it if there is none.
  Result<void> open();
  // Reads what is in its sets: nothing unless it is whole.
  Result<void> read();

  [[nodiscard]] const Elements& elements() const { return elements_; }

  // Carries the plan out, in one transaction unless that would be too long a text. Looks first
  // whether somebody else changed anything. Where the table is gone or is not whole it is made
  // anew, with what the plan puts.
  Result<void> change(const Plan& plan);
  // By the name of the set.
  Result<std::vector<std::pair<std::string, Count>>> counts();

 private:
  Result<void> read_once();
  Result<void> carry_out(const std::vector<Change>& changes);
  Result<void> run(const std::string& commands);
  Result<void> seal();
  [[nodiscard]] std::string marker(std::uint64_t rules) const;
  [[nodiscard]] std::string render(const Change& change) const;
  [[nodiscard]] std::string render_key(const ElementKey& element) const;

  Context context_;
  Layout layout_;
  bool whole_ = false;
  std::uint32_t generation_ = 0;  // of which elements_ is the state
  Elements elements_;
};

}  // namespace vtepd::nft
