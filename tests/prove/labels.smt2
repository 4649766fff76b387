; The axiom same_octets of value/dname.h: whether the octets w[0 .. n - 1] are whole labels depends on
; these octets alone. Shown by induction over n, from the definition: none is, and one label more is
; when it has 1 to 63 octets behind its length. Each (check-sat) must answer unsat: there is no
; counterexample. That the axioms no_label and one_more follow from the definition is shown, too.
;
; Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.

(declare-const a (Array Int Int)) ; the octets before
(declare-const b (Array Int Int)) ; and after
(declare-fun labels_a (Int) Bool)
(declare-fun labels_b (Int) Bool)
(define-fun one_more ((w (Array Int Int)) (j Int) (n Int)) Bool
  (and (<= 0 j) (<= 1 (select w j)) (<= (select w j) 63) (= n (+ j 1 (select w j)))))
(assert (forall ((n Int)) (! (= (labels_a n)
  (or (= n 0) (exists ((j Int)) (and (< j n) (labels_a j) (one_more a j n))))) :pattern ((labels_a n)))))
(assert (forall ((n Int)) (! (= (labels_b n)
  (or (= n 0) (exists ((j Int)) (and (< j n) (labels_b j) (one_more b j n))))) :pattern ((labels_b n)))))

(declare-const n Int)
; no_label
(push)
(assert (not (labels_a 0)))
(check-sat)
(pop)
; one_more
(push)
(assert (and (<= 0 n) (labels_a n) (<= 1 (select a n)) (<= (select a n) 63)))
(assert (not (labels_a (+ n 1 (select a n)))))
(check-sat)
(pop)
; same_octets: when it is true of all that are shorter, it is true of n.
(push)
(assert (forall ((m Int)) (! (=> (and (<= 0 m) (< m n) (labels_a m)
  (forall ((i Int)) (=> (and (<= 0 i) (< i m)) (= (select a i) (select b i))))) (labels_b m)) :pattern ((labels_a m)))))
(assert (and (<= 0 n) (labels_a n)))
(assert (forall ((i Int)) (! (=> (and (<= 0 i) (< i n)) (= (select a i) (select b i))) :pattern ((select a i)))))
(assert (not (labels_b n)))
(check-sat)
(pop)
