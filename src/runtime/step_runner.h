// Runs prepared steps in a context, one after the other. Internal.
#pragma once
#include "runtime/context.h"

namespace intarsia::runtime {

bool all_hold(const Prepared& prepared, const std::vector<GuardTerm>& guard,
              std::span<const std::int64_t> slots);

class StepRunner {
 public:
  explicit StepRunner(Context& context) : c_(context), p_(context.p_) {}
  void list(const PreparedSteps& steps);

 private:
  void launch(const PreparedStep& step, const Launch& body);
  void memset(const PreparedStep& step, const Memset& body);
  void copy(const PreparedStep& step, const Copy& body);
  void call(const PreparedStep& step, const Call& body);
  void wait(const PreparedStep& step, const Wait& body);
  void choose(const PreparedStep& step, const Choose& body);
  void loop(const PreparedStep& step, const While& body);

  std::int64_t value(DimId dim) const { return p_.value(dim, c_.slots_); }
  void* address(const PlacedArgument& a) const;
  std::int64_t bytes_left(const PlacedArgument& a) const;  // of its buffer, from its address on
  std::uint64_t bits_of(const PreparedStep& step, const PlacedArgument& a) const;
  Geometry geometry(const PreparedStep& step, const Launch& body, bool& empty) const;
  void fill_places(const PreparedStep& step);

  Context& c_;
  const Prepared& p_;
};

}  // namespace intarsia::runtime
