#pragma once
// Scores over the rows of all ranks: counts are added up and divided once; averages are never averaged.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "galena/tensor.hpp"
#include "src/comm/communicator.hpp"

namespace galena::train {

enum class Metric { accuracy, micro_f1, macro_f1, roc_auc, micro_f1_known, macro_f1_known };

/// By the enumerator's name. Throws InputError with a suggestion; "auto" depends on multi_label.
Metric find_metric(const std::string& name, bool multi_label);
std::string name_of(Metric metric);

/// What rows should be: a class each, or a 0/1 row.
struct Truths {
  std::span<const std::int32_t> labels;        ///< [n], where each row has one class
  std::span<const std::uint8_t> label_matrix;  ///< [n x classes], else
};

/// What is said of rows, in the CPU's memory, as a metric asks for it.
struct Predictions {
  Tensor logits;           ///< [n x classes]; undefined where only classes count
  Tensor classes;          ///< i32 [n x 1]: the largest logit's, where each row has one class
  std::int64_t count = 0;  ///< of classes
};
/// From logits in any memory: a device's are brought over only where they are asked for.
Predictions predictions_of(Metric metric, const Tensor& logits, bool multi_label);

/// The score of `rows` of all ranks. NaN where no rank has rows, or the score is not defined (ROC-AUC of one class).
/// ROC-AUC: of two classes, by the difference of logits; with a label matrix, the mean over classes that have both.
/// F1 of all classes' counts together (micro), or the mean over the classes that rows have or are said to have (macro).
/// Predicted are the classes of positive logits; "known": told how many classes each row has, as many of the largest
/// logits: the evaluation of DeepWalk (Perozzi et al., KDD 2014) and of those who followed it.
/// Every rank calls, and gets the same number. `comm` null: one rank.
double score(Metric metric, const Predictions& predictions, const Truths& truths, std::span<const VertexId> rows,
             comm::Communicator* comm);

/// Area under the ROC curve of scores with labels 0 or 1, ties counted half; NaN where one label is missing.
double roc_auc(std::vector<std::pair<float, std::uint8_t>> scored);

}  // namespace galena::train
