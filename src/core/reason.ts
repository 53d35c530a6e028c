/** Why something is refused: a code for programs, which stays what it is, and the words for people. */

/** What a code stands for, and the option that allows what it refuses; `allow` null: no option does. */
interface Meaning {
  readonly means: string;
  readonly allow: string | null;
}

const told = (means: string, allow: string | null = null): Meaning => ({ means, allow });

/** Every code of a plan's refusals. A code is never given another meaning. */
export const reasons = {
  'another-vm': told('what was found is another VM of this farm'),
  'boot-missing': told('the VM has nothing to boot from'),
  'bridge-missing': told('the server does not have the bridge'),
  'cannot-migrate': told('no server that may hold the VM can take it while it runs', '--allow restart=VM'),
  'cfg-missing': told('the VM has no cfg'),
  'cfg-taken': told('a cfg of another VM stands where this one’s is to be'),
  'circular-wait': told('two VMs wait for each other'),
  'cpupool-missing': told('the server does not have the cpupool'),
  'disk-elsewhere': told('disks of the VM were seen, and the VM was not'),
  'disk-foreign': told('the disk is another farm’s'),
  'disk-format-fixed': told('a disk of this format cannot be moved'),
  'disk-gone': told('a disk that the VM had is not there any more'),
  'disk-local': told('a disk of the VM is on one server only'),
  'disk-missing': told('the disk that is to be adopted is not there'),
  'disk-moving': told('the disks of the VM are moved first'),
  'disk-not-own': told('the marker of the disk does not say that it is the VM’s'),
  'disk-not-shared': told('the other pool does not have the repository of the disk'),
  'disk-on-lost-server': told('a server declared lost may have had the only disk of the VM'),
  'disk-open': told('the disk can grow only while nobody uses it'),
  'disk-shrinks': told('the disk would shrink'),
  'disk-size-unknown': told('nothing tells how large the disk is'),
  'domain-ended': told('the domain has ended and was not cleared away'),
  'field-not-for-type': told('guests of this type do not have the field'),
  'foreign-vm': told('the VM belongs to another farm', '--takeover VM'),
  'guest-type-unsupported': told('the server runs no guests of this type'),
  'host-key-differs': told('a server knows another host key of its peer'),
  'host-key-missing': told('a server has no host key by which its peer could know it'),
  'host-key-unknown': told('a server does not know the host key of its peer'),
  'image-unmarked': told('a file lies where the image is to be, and it is not that image'),
  'in-use': told('a VM uses it'),
  'lease-distrusted': told('the lease that a lost server left is not believed'),
  'lease-foreign': told('the lease of the VM is another farm’s'),
  'lease-held': told('a lease says that the VM runs somewhere else'),
  'lease-unreadable': told('a lease cannot be read'),
  'left-out': told('this run leaves out what it needs first'),
  'lost-server-answers': told('a server that is declared lost answers'),
  'lvm-unread': told('LVM does not tell its volume groups'),
  'marker-missing': told('the store does not have the marker that it had'),
  'marker-unreadable': told('a marker cannot be read'),
  'memory-missing': told('the VM has no memory set'),
  'migration-address-missing': told('the file does not say where the server takes migrations'),
  'migration-key-missing': told('the server does not have the key for migrations'),
  'migration-key-not-admitted': told('the server does not let the key for migrations in'),
  'migration-under-way': told('a migration of the VM is under way, or broke off'),
  'mount-differs': told('something else is mounted where the repository is to be'),
  'name-taken': told('another domain has the name'),
  'network-unknown': told('the pool does not have the network'),
  'no-fetcher': told('no server can fetch the image now'),
  'no-room': told('the server does not have the memory or the vCPUs'),
  'no-server-fits': told('no server that may hold the VM has what it needs'),
  'no-shared-repository': told('no shared repository can hold the memory of the suspended VM'),
  'no-space': told('the repository does not have the space'),
  'no-way-found': told('no order of moves was found'),
  'not-ours': told('this farm neither made nor adopted it'),
  'over-budget': told('it costs more than the VM’s budget', '--allow CLASS=VM'),
  'partial-run': told('a run that covers only a part of the farm does not do this', 'without --target, --pool'),
  'path-astray': told('a link or a device lies there, and may lead anywhere'),
  'path-missing': told('the server does not have the file'),
  protected: told('the VM is protected'),
  'qemu-missing': told('the server has no QEMU for Xen'),
  'registry-unreadable': told('the server’s record of its repositories cannot be read'),
  'repository-path-fixed': told('a repository does not move to another path'),
  'server-foreign': told('the server belongs to another farm'),
  'server-left-file': told('the server left the file without `state: absent`'),
  'server-unread': told('a server that counts could not be read'),
  'spare-exceeded': told('the pool would not survive the loss of a server (`spare`)'),
  'store-foreign': told('the store is another repository’s'),
  'store-missing': told('the store is not there any more'),
  'store-of-other-pool': told('another pool or server has the same store'),
  'store-sharing-differs': told('the store and the file differ on whether it is shared'),
  'store-silent': told('the store does not answer'),
  'store-unread': told('nobody looked into the store'),
  'stores-differ': told('servers have different stores where they are to have one'),
  stuck: told('VMs wait for each other’s places', '--allow restart=VM'),
  'too-many-deletes': told('more VMs would be deleted than `policy.deletes` allows'),
  'unmanaged-vm': told('a VM that nobody manages is in the way'),
  unplannable: told('the VM cannot be planned for another reason'),
  'uuid-differs': told('the VM has another UUID than the file says'),
  'vlan-on-linux-bridge': told('no Xen puts a VLAN on a Linux bridge'),
  'vm-ambiguous': told('the VM was found more than once'),
  'vm-busy': told('an operation of a run is still carried out for the VM'),
  'vm-elsewhere': told('the VM runs on another server'),
  'vm-not-found': told('the VM was not found'),
  'vm-paused': told('the VM is paused'),
  'volume-group-missing': told('the server does not have the volume group'),
} as const satisfies Readonly<Record<string, Meaning>>;

export type ReasonCode = keyof typeof reasons;

export interface Reason {
  readonly code: ReasonCode;
  /** A sentence without its end. */
  readonly why: string;
  /** What would help; null: nothing that Reeve knows of. */
  readonly help: string | null;
}
