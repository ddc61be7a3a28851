// One problem of linear assignment, as the CPU's threads and a GPU's warps solve it: rows are assigned one after another, each
// by Dijkstra's search over the columns for the shortest augmenting path in the reduced costs c - u - v.
//
// A Team is who works on it: `lane()` of `kLanes`, `sync()`, and `least(Nearest)` over its lanes. Column j belongs to lane
// j % kLanes. Values are sums and differences of doubles in the order written here, and every choice is of the least distance
// and then of the lowest column: all teams find the same pairs.
#pragma once

#include "ops/linear_assignment/linear_assignment.h"

#ifdef __CUDACC__
#define FOVEA_ASSIGNMENT __device__ __forceinline__
#else
#define FOVEA_ASSIGNMENT inline
#endif

namespace fovea {

struct Nearest {
  double distance;
  int32_t column;  // INT32_MAX: none can be reached
};

FOVEA_ASSIGNMENT Nearest nearer(const Nearest& a, const Nearest& b) {
  return b.distance < a.distance || (b.distance == a.distance && b.column < a.column) ? b : a;
}

template <class Team>
class AssignmentSolver {
 public:
  // scratch: assignment_bytes(Q, T), aligned to 8.
  FOVEA_ASSIGNMENT AssignmentSolver(const Team& team, int32_t queries, int32_t targets, char* scratch)
      : team_(team), by_target_(targets <= queries), n_(by_target_ ? targets : queries), m_(by_target_ ? queries : targets) {
    u_ = reinterpret_cast<double*>(scratch);
    v_ = u_ + n_;
    distance_ = v_ + m_;
    path_ = reinterpret_cast<int32_t*>(distance_ + m_);
    row_of_ = path_ + m_;
    closed_ = row_of_ + m_;
    column_of_ = closed_ + m_;
    costs_ = reinterpret_cast<float*>(column_of_ + n_);
  }

  // False where a cost is NaN or -inf, or where the allowed pairs do not suffice. costs [queries][targets].
  FOVEA_ASSIGNMENT bool solve(const float* costs, int64_t pitch) {
    if (!load(costs, pitch)) return false;
    for (int32_t row = 0; row < n_; ++row)
      if (!assign(row)) return false;
    return true;
  }

  // The partner of a query or of a target that takes part, or -1.
  FOVEA_ASSIGNMENT int32_t target_of(int32_t query) const { return by_target_ ? row_of_[query] : column_of_[query]; }
  FOVEA_ASSIGNMENT int32_t query_of(int32_t target) const { return by_target_ ? column_of_[target] : row_of_[target]; }

  FOVEA_ASSIGNMENT double total() const {
    double sum = 0;
    for (int32_t i = 0; i < n_; ++i) sum += static_cast<double>(costs_[int64_t{i} * m_ + column_of_[i]]);
    return sum;
  }

 private:
  static constexpr double kInfinity = __builtin_huge_val();

  // The costs as [n][m], all else as before the first row.
  FOVEA_ASSIGNMENT bool load(const float* costs, int64_t pitch) {
    const int32_t queries = by_target_ ? m_ : n_, targets = by_target_ ? n_ : m_;
    Nearest refused{0, INT32_MAX};
    for (int32_t q = 0; q < queries; ++q)
      for (int32_t t = team_.lane(); t < targets; t += Team::kLanes) {
        const float c = costs[q * pitch + t];
        if (!(c > -__builtin_huge_valf())) refused.column = 0;
        costs_[by_target_ ? int64_t{t} * m_ + q : int64_t{q} * m_ + t] = c;
      }
    for (int32_t j = team_.lane(); j < m_; j += Team::kLanes) v_[j] = 0, row_of_[j] = closed_[j] = -1;
    for (int32_t i = team_.lane(); i < n_; i += Team::kLanes) u_[i] = 0, column_of_[i] = -1;
    team_.sync();
    return team_.least(refused).column != 0;
  }

  FOVEA_ASSIGNMENT bool assign(int32_t row) {
    for (int32_t j = team_.lane(); j < m_; j += Team::kLanes) distance_[j] = kInfinity;
    double reached = 0;  // distance of the columns closed last
    int32_t from = row, sink = -1;
    while (from >= 0) {
      const Nearest next = team_.least(relax(row, from, reached));
      if (next.column == INT32_MAX) return false;
      sink = next.column;
      reached = next.distance;
      if (sink % Team::kLanes == team_.lane()) closed_[sink] = row;
      from = row_of_[sink];
    }
    team_.sync();  // all have read the potentials of the search
    lower(row, reached);
    team_.sync();  // distances and paths are complete
    if (team_.lane() == 0) augment(row, sink);
    team_.sync();
    return true;
  }

  // Paths through the row `from`, `reached` away; returns the nearest column of this lane that is not closed.
  FOVEA_ASSIGNMENT Nearest relax(int32_t row, int32_t from, double reached) {
    const float* costs = costs_ + int64_t{from} * m_;
    const double base = reached - u_[from];
    Nearest nearest{kInfinity, INT32_MAX};
    for (int32_t j = team_.lane(); j < m_; j += Team::kLanes) {
      if (closed_[j] == row) continue;
      const double through = base + (static_cast<double>(costs[j]) - v_[j]);
      double best = distance_[j];
      if (through < best) {
        distance_[j] = best = through;
        path_[j] = from;
      }
      if (best < nearest.distance) nearest = {best, j};
    }
    return nearest;
  }

  // Potentials of what the search has closed, so that no reduced cost is negative and those of the path are 0. The rows it went
  // through are those of its columns.
  FOVEA_ASSIGNMENT void lower(int32_t row, double reached) {
    for (int32_t j = team_.lane(); j < m_; j += Team::kLanes) {
      if (closed_[j] != row) continue;
      const double change = reached - distance_[j];
      v_[j] -= change;
      if (row_of_[j] >= 0) u_[row_of_[j]] += change;
    }
    if (team_.lane() == 0) u_[row] += reached;
  }

  // The pairs along the path to the free column `sink` move by one.
  FOVEA_ASSIGNMENT void augment(int32_t row, int32_t sink) {
    for (int32_t i = -1, j = sink; i != row;) {
      i = path_[j];
      row_of_[j] = i;
      const int32_t next = column_of_[i];
      column_of_[i] = j;
      j = next;
    }
  }

  const Team& team_;
  bool by_target_;
  int32_t n_, m_;
  double *u_, *v_;      // potentials of rows and columns
  double* distance_;    // of each column from the row being assigned
  int32_t* path_;       // the row before the column on the shortest path
  int32_t* row_of_;     // [m], -1: free
  int32_t* closed_;     // the last row whose search has settled the column
  int32_t* column_of_;  // [n], -1: not yet assigned
  float* costs_;
};

// Problem `index` of a job, results written. `live` is the number of live rows of the leading dimension.
template <class Team>
FOVEA_ASSIGNMENT void assign_problem(const LinearAssignmentJob& j, const Team& team, int64_t index, int64_t live,
                                     char* scratch) {
  const int32_t queries = j.batched ? j.Q : static_cast<int32_t>(live);
  const int32_t count = j.counts == nullptr ? j.T : j.counts[index];
  const int32_t targets = count < 0 ? 0 : count > j.T ? j.T : count;
  AssignmentSolver<Team> solver(team, queries, targets, scratch);
  const bool solved = solver.solve(j.costs + index * j.Q * j.pitch, j.pitch);
  if (j.rows != nullptr)
    for (int32_t t = team.lane(); t < j.T; t += Team::kLanes)
      j.rows[index * j.rows_pitch + t] = solved && t < targets ? solver.query_of(t) : -1;
  if (j.columns != nullptr)
    for (int32_t q = team.lane(); q < j.Q; q += Team::kLanes)
      j.columns[index * j.columns_pitch + q] = solved && q < queries ? solver.target_of(q) : -1;
  if (j.totals != nullptr && team.lane() == 0)
    j.totals[index] = solved ? static_cast<float>(solver.total()) : __builtin_nanf("");
}

}  // namespace fovea
