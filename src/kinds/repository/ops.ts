/** The operations on a repository, each on one server: plain data that a plan file can hold. */
import type { Ref } from '../../core/ref.ts';
import type { RepositoryType } from './spec.ts';

interface Base {
  /** `POOL/NAME`. */
  readonly repository: Ref<'repository'>;
  readonly server: string;
  readonly farm: string;
  readonly name: string;
  readonly type: RepositoryType;
  readonly path: string;
  /** What is mounted there; '' for dir. */
  readonly source: string;
}

export type RepositoryOp =
  /** Make its folder; mount it there (nfs), now and after each reboot. */
  | (Base & {
      readonly verb: 'attach-repository';
      readonly options: string;
      /** False where it is mounted already. */
      readonly mount: boolean;
      /** Its line of /etc/fstab is to be written. */
      readonly persist: boolean;
    })
  /** Look at its marker, write one where the store is new, and remember it in the server's book. */
  | (Base & {
      readonly verb: 'mark-repository';
      /** What its marker must say; null: any UUID of this farm and name. */
      readonly uuid: string | null;
      /** The UUID of a new store; null: it must have a marker already. */
      readonly fresh: string | null;
      /** Of a volume group: several servers see it, and its mark says so. */
      readonly shared?: true;
    })
  /** Remove a disk that Reeve made or adopted: its bytes are lost, unless it has been copied. */
  | (Base & {
      readonly verb: 'delete-disk';
      readonly disk: string;
      /** Whose it was: a VM's key. */
      readonly of: string | null;
      /** What its marker says; null: it is a half that has none. Null in it: whichever VM's. */
      readonly owner: { readonly uuid: string | null; readonly vdev: string | null } | null;
      /** Its VM is down and goes with it: the cfg that still names the disk goes last. */
      readonly goes: boolean;
      /** KiB; null: not known. */
      readonly size: number | null;
      /** Where its bytes are now; null: nowhere. */
      readonly copied: string | null;
      /** Other servers that may have it, and must not. */
      readonly peers: readonly string[];
    })
  /** Take away what Reeve keeps in a store beside disks and images, and then its marker: it is nobody's from then on. */
  | (Base & {
      readonly verb: 'unmark-repository';
      /** What its marker says. */
      readonly uuid: string;
      /** So many VMs' memory is kept in it, and lost. */
      readonly suspended: number;
      /** Of a volume group: its mark says that several servers see it. */
      readonly shared?: true;
    })
  /** Unmount it, and forget it; its data stay. */
  | (Base & {
      readonly verb: 'detach-repository';
      readonly mounted: boolean;
      readonly persisted: boolean;
      readonly booked: boolean;
    });
