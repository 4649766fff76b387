; What the contracts of policy.c and addr.c say with operators on words of 64 bits and on octets, in
; terms of single words and bits. Each (check-sat) must answer unsat: there is no counterexample.
;
; Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.

(declare-const all (_ BitVec 64))
(declare-const none (_ BitVec 64))
(declare-const any (_ BitVec 64))
(declare-const lacks (_ BitVec 64))
(declare-const found (_ BitVec 64))
(declare-const unsure (_ BitVec 64))
; What the words turn out to be: as found, but for those that are unsure.
(declare-const truth (_ BitVec 64))
(define-fun zero () (_ BitVec 64) #x0000000000000000)
(define-fun certain () (_ BitVec 64) (bvand found (bvnot unsure)))
(define-fun possible () (_ BitVec 64) (bvor found unsure))
(assert (= zero (bvand (bvxor truth found) (bvnot unsure))))

(define-fun matches () Bool
  (and (= zero (bvand all (bvnot truth)))
       (= zero (bvand none truth))
       (or (= zero (bvor any lacks))
           (not (= zero (bvand any truth)))
           (not (= zero (bvand lacks (bvnot truth)))))))
(define-fun surely () Bool
  (and (= zero (bvand all (bvnot certain)))
       (= zero (bvand none possible))
       (or (= zero (bvor any lacks))
           (not (= zero (bvand any certain)))
           (not (= zero (bvand lacks (bvnot possible)))))))
(define-fun maybe () Bool
  (and (= zero (bvand all (bvnot possible)))
       (= zero (bvand none certain))
       (or (= zero (bvor any lacks))
           (not (= zero (bvand any possible)))
           (not (= zero (bvand lacks (bvnot certain)))))))

; A rule that surely matches does, whatever the truth.
(push)
(assert (and surely (not matches)))
(check-sat)
(pop)
; A rule that matches may do so.
(push)
(assert (and matches (not maybe)))
(check-sat)
(pop)

; (a ^ b) >> (8 - rest) == 0: the first `rest` bits of two octets are the same, and no others are asked.
(declare-const a (_ BitVec 8))
(declare-const b (_ BitVec 8))
(declare-const rest (_ BitVec 8))
(assert (and (bvuge rest #x01) (bvule rest #x07)))
(define-fun mask () (_ BitVec 8) (bvshl #xff (bvsub #x08 rest)))
(push)
(assert (not (= (= #x00 (bvlshr (bvxor a b) (bvsub #x08 rest)))
                (= (bvand a mask) (bvand b mask)))))
(check-sat)
(pop)
