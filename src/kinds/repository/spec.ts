/** A storage repository as the file has it: one backing store at the same path on every server, or one of its kind per server. */
import type { Origin } from '../../core/diagnostic.ts';

export type RepositoryType = 'dir' | 'nfs' | 'lvm';

export interface RepositorySpec {
  readonly name: string;
  readonly type: RepositoryType;
  /** `filer:/export/vmstore`, for nfs only. */
  readonly source: string | undefined;
  /** The folder or mount point, absolute, without a slash at its end; the same on every server. `/dev/VG` for lvm. */
  readonly path: string;
  /** Options of the mount, as mount(8) takes them after `-o`; '' for none. nfs only. */
  readonly options: string;
  /** One store for all servers of the pool; else each has its own. */
  readonly shared: boolean;
  /** `absent` detaches it; its data stay. */
  readonly state: 'present' | 'absent';
  /** Where it stands in the file, for messages. */
  readonly origin: Origin;
}
