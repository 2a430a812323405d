// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "consul/answer.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace vtepd::consul {

// Reads the body of a KV answer, a JSON array of pairs, as it arrives: one pair is in memory at a
// time, however long the answer is. Any error is one of the whole answer.
class PairStream {
 public:
  // The view lasts for the call.
  using Take = std::function<Result<void>(const PairView&)>;

  explicit PairStream(Take take);
  ~PairStream();
  PairStream(const PairStream&) = delete;
  PairStream& operator=(const PairStream&) = delete;

  Result<void> feed(std::string_view bytes);
  // The body has ended: Unavailable if the array has not.
  Result<void> finish();

 private:
  // What may come next.
  enum class Place { Begin, FirstObject, InObject, CommaOrEnd, Object, AfterEnd };

  Result<void> take_between(char c);
  std::size_t skip_object(std::string_view bytes);
  Result<void> end_object();

  struct Parser;
  std::unique_ptr<Parser> parser_;
  Take take_;
  Place place_ = Place::Begin;
  std::string object_;  // the part of it that has come
  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace vtepd::consul
