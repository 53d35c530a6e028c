/** The operations on a dom0 itself: plain data that a plan file can hold. */
import type { Ref } from '../../core/ref.ts';

interface Base {
  readonly dom0: Ref<'server'>;
  readonly server: string;
  /** The same. */
  readonly name: string;
  readonly farm: string;
  readonly pool: string;
}

export type ServerOp =
  /** Write down who belongs to the pool. */
  | (Base & {
      readonly verb: 'join-pool';
      /** Sorted. */
      readonly members: readonly string[];
      /** Of those that were read: the host key, as `TYPE BASE64`, by name. */
      readonly keys: Readonly<Record<string, string>>;
      /** Digest of what stands there now. */
      readonly replaces: string | 'absent';
    })
  /** Forget the pool. */
  | (Base & { readonly verb: 'leave-pool'; readonly digest: string })
  /** Give it a key for migrations, where it has none, and the host keys of these peers. */
  | (Base & { readonly verb: 'send-migrations'; readonly peers: readonly string[] })
  /** Let these peers migrate to it, and do nothing else there. */
  | (Base & { readonly verb: 'take-migrations'; readonly peers: readonly string[] })
  /** Take away what the two above made. */
  | (Base & {
      readonly verb: 'drop-migrations';
      /** The servers whose keys it no longer takes; null: all of them, and its own key goes, too. */
      readonly of: readonly string[] | null;
      /** The owner's key, which does it from now on; null: a server leaves the pool. */
      readonly key: string | null;
    });
