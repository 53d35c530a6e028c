/** What an operation takes from the farm and gives to it: the one truth that sequencing, verifying and simulating share. */
import type { Ref } from './ref.ts';

/** `memory` in KiB; the others are counts. */
export type Dim = 'memory' | 'vcpus' | 'disk-writer';

export type Effect =
  | {
      readonly fx: 'claim' | 'release';
      readonly at: Ref;
      readonly dim: Dim;
      readonly key: string;
      readonly amount: number;
      /** The server on which it is taken or given back. */
      readonly on: string;
    }
  | { readonly fx: 'needs' | 'makes' | 'unmakes'; readonly ref: Ref; readonly on: string }
  | {
      readonly fx: 'set';
      readonly ref: Ref;
      readonly layer: 'configured' | 'running';
      readonly field: string;
      readonly value: unknown;
    };
