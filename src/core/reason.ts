/** Why something is refused: a code for programs, which stays what it is, and the words for people. */

/** What a code stands for, and what would allow what it refuses; `allow` null: nothing that can be written does. */
export interface Meaning {
  readonly means: string;
  readonly allow: string | null;
}

const told = (means: string) => ({ means, allow: null }) satisfies Meaning;
const allowed = (means: string, allow: string) => ({ means, allow }) satisfies Meaning;

/** Why a plan refuses something. */
const ofPlan = {
  'another-vm': told('what was found is another VM of this farm'),
  'boot-missing': told('the VM has nothing to boot from'),
  'bridge-missing': told('the server does not have the bridge'),
  'cannot-migrate': allowed('no server that may hold the VM can take it while it runs', '--allow restart=VM'),
  'cfg-lossy': told('the VM has no cfg, and one made from what runs would lack something'),
  'cfg-missing': told('the VM has no cfg'),
  'cfg-taken': told('a cfg of another VM stands where this one’s is to be'),
  'cfg-unreadable': told('the cfg of the VM is there, and cannot be read'),
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
  'down-together': told('more VMs would be down at once than may be, or two of one group'),
  'driver-domain': told('the VM serves disks or NICs of other VMs of its server'),
  'driver-domain-missing': told('the server does not have the VM that serves a disk or a NIC'),
  'field-not-for-type': told('guests of this type do not have the field'),
  'foreign-vm': allowed('the VM belongs to another farm', '--takeover VM'),
  'guest-type-unsupported': told('the server runs no guests of this type'),
  'host-key-differs': told('a server knows another host key of its peer'),
  'host-key-missing': told('a server has no host key by which its peer could know it'),
  'image-unmarked': told('a file lies where the image is to be, and it is not that image'),
  'in-use': told('a VM uses it'),
  'lease-distrusted': told('the lease that a lost server left is not believed'),
  'lease-foreign': told('the lease of the VM is another farm’s'),
  'lease-held': told('a lease says that the VM runs somewhere else'),
  'lease-unreadable': told('a lease cannot be read'),
  'left-out': allowed('this run leaves out what it needs first', 'without --target, --pool, --cause'),
  'lost-server-answers': told('a server that is declared lost answers'),
  'lvm-unread': told('LVM does not tell its volume groups'),
  'marker-missing': told('the store does not have the marker that it had'),
  'marker-unreadable': told('a marker cannot be read'),
  'memory-missing': told('the VM has no memory set'),
  'memory-saved': told('the memory of the VM lies in a file, and it would boot beside that'),
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
  'over-budget': allowed('it costs more than the VM’s budget', '--allow CLASS=VM'),
  'partial-run': allowed('a run that covers only a part of the farm does not do this', 'without --target, --pool'),
  'path-astray': told('a link or a device lies there, and may lead anywhere'),
  'path-missing': told('the server does not have the file'),
  protected: allowed('the VM is protected', 'vms.VM.protect: false'),
  'qemu-missing': told('the server has no QEMU for Xen'),
  'registry-unreadable': told('the server’s record of its repositories cannot be read'),
  'repository-leaves': told('the repository is to be detached'),
  'repository-path-fixed': told('a repository does not move to another path'),
  'server-foreign': told('the server belongs to another farm'),
  'server-left-file': told('the server left the file without `state: absent`'),
  'server-unread': told('a server that counts could not be read'),
  'spare-exceeded': allowed('the pool would not survive the loss of a server', 'pools.POOL.spare: 0'),
  'store-foreign': told('the store is another repository’s'),
  'store-missing': told('the store is not there any more'),
  'store-of-other-pool': told('another pool or server has the same store'),
  'store-sharing-differs': told('the store and the file differ on whether it is shared'),
  'store-silent': told('the store does not answer'),
  'store-unread': told('nobody looked into the store'),
  'stores-differ': told('servers have different stores where they are to have one'),
  stuck: allowed('VMs wait for each other’s places', '--allow restart=VM'),
  'too-many-deletes': allowed('more VMs would be deleted than the policy allows', 'policy.deletes.max: NUMBER'),
  'under-treatment': told('a roll has the server, and starts nothing there before it takes it back'),
  'unmanaged-vm': told('a VM that nobody manages is in the way'),
  unplannable: told('the VM cannot be planned for another reason'),
  unverified: told('the plan with the VM does not pass the check that Reeve makes of its own plans'),
  'uuid-differs': told('the VM has another UUID than the file says'),
  'uuid-taken': told('a domain or a cfg that is not known to be the VM has the UUID that it would have'),
  'vlan-on-linux-bridge': told('no Xen puts a VLAN on a Linux bridge'),
  'vm-ambiguous': told('the VM was found more than once'),
  'vm-busy': told('an operation of a run is still carried out for the VM'),
  'vm-elsewhere': told('the VM runs on another server'),
  'vm-not-found': told('the VM was not found'),
  'vm-paused': told('the VM is paused'),
  'volume-group-missing': told('the server does not have the volume group'),
} as const satisfies Readonly<Record<string, Meaning>>;

/** Why a server could not be read or controlled. */
const ofReading = {
  authentication: told('it does not let the user in'),
  contradictory: told('the parts of its answer do not agree'),
  'cut-short': told('its answer broke off'),
  foreign: told('it belongs to another farm'),
  forgotten: told('other servers remember it, and the file does not have it'),
  'host-key-changed': told('it shows another host key than the one that is known'),
  'host-key-unknown': told('whoever connects does not know its host key'),
  lost: told('the connection was lost'),
  'name-not-found': told('its address is a name that is not known'),
  'no-xen': told('it does not run Xen, or Xen does not answer there'),
  'not-asked': told('it was not asked'),
  permission: told('the user may not do this there'),
  timeout: told('it did not answer in time'),
  unparsable: told('its answer cannot be understood'),
  unreachable: told('no connection to it can be made'),
  'wrong-machine': told('it is another server of the farm, or two names lead to it'),
} as const satisfies Readonly<Record<string, Meaning>>;

export type ReadingCode = keyof typeof ofReading;

/** Why a run does not do something, or not to its end. */
const ofRun = {
  'before-failed': told('the command of `policy.before` did not end with 0'),
  cancelled: told('the run was cancelled before it began'),
  'command-failed': told('a command on the server failed'),
  'command-late': told('a command on the server did not end in its time'),
  detached: told('it goes on by itself on its server, and the run did not wait for it'),
  'fence-failed': told('a server that is declared lost is not known to be down'),
  'file-changed': told('somebody changed the file since it was read'),
  'file-failed': told('a file on the server could not be written or removed'),
  'guest-destroyed': told('the guest did not shut down in its time, and was destroyed'),
  'internal-error': told('an error in Reeve itself'),
  'lane-stopped': told('a VM before it did not come back, and no more of its lane are taken down'),
  'local-file-unreadable': told('a file on the machine where Reeve runs cannot be read'),
  'need-failed': told('an operation that it needs failed'),
  'need-skipped': told('an operation that it needs was skipped'),
  'no-answer': told('the VM did not answer in its time (`ready`)'),
  'not-as-needed': told('the server is not as the operation needs it'),
  'not-doable': told('the operation cannot be done to what is there'),
  'not-seen': told('it was done, and the server does not show it'),
  'object-changed': told('what the plan touches is not as it was when the plan was made'),
  'plan-disorder': told('an operation that it needs does not stand before it in the plan'),
  'result-lost': told('nobody knows how a command ended'),
  'server-held': allowed('another run holds the server', 'reeve unlock SERVER'),
  'taken-over': told('another run took the server over'),
  'tool-missing': told('the server does not have a command that it needs'),
} as const satisfies Readonly<Record<string, Meaning>>;

/** Why a command does not go on. */
const ofCommand = {
  'lock-kept': told('the process that holds the lock does not end'),
  'not-confirmed': allowed('nobody said yes', '--yes'),
  'not-emptied': told('a server of the roll could not be emptied'),
  'not-home': told('a VM did not come home after the roll'),
  'not-imported': told('a VM that was found is not in the file that was written'),
  'not-rebooted': told('a server of the roll did not come back'),
  'not-started': told('a VM that rode through a treatment did not come up'),
  'nothing-to-unlock': told('there is no lock to break, and nothing that may be killed'),
  'plan-not-approved': told('the plan is not the one that `--expect` names, or does more than `--expect-class` allows'),
  'roll-differs': allowed('a roll of another command or of other options has not ended', 'reeve roll POOL --abandon'),
  'secret-missing': told('a secret that is to be written has no value here'),
  'treatment-failed': told('the command of `roll --run` did not end with 0'),
} as const satisfies Readonly<Record<string, Meaning>>;

/** What is wrong with a file. */
const ofFile = {
  'absent-image': told('a disk or a drive wants an image that is to be absent'),
  'after-cycle': told('VMs wait for each other in a circle'),
  'after-itself': told('a VM would start after itself'),
  'alias-bomb': told('aliases make the file too large or too deep'),
  'bad-access': told('a guest of this type cannot have the disk in this access'),
  'bad-backend': told('the backend does not serve disks of this format'),
  'bad-name': told('something cannot have this name'),
  'bad-pattern': told('it is no pattern of names'),
  'bad-plan': told('the saved plan is not whole, or contradicts itself'),
  'bad-unit': told('a size or a time has no unit, or one that is not known'),
  'bad-value': told('a key cannot have this value'),
  'cannot-boot': told('the VM has neither a disk nor a kernel to boot'),
  'duplicate-item': told('a list names something twice'),
  'duplicate-key': told('a key stands twice in one map'),
  'duplicate-name': told('something is defined twice'),
  empty: told('a value is empty'),
  'empty-file': told('the file is empty'),
  'fence-without-status': told('a fence could not tell whether the server is down'),
  'file-not-read': told('a YAML file in a folder of the folder is not read'),
  'formerly-there': told('the earlier name of a VM is still the name of a VM'),
  'formerly-twice': told('two VMs say that they had one name'),
  'literal-secret': told('a password stands in the file instead of a reference'),
  'lonely-group': told('no other VM is in the group that is kept apart'),
  'missing-key': told('a key is missing'),
  'missing-pool': told('the farm has several pools, and something names none'),
  'no-files': told('the folder holds no YAML file'),
  'no-servers': told('the farm has no servers'),
  'no-such-file': told('there is no such file'),
  'no-vm-server': told('the server runs no VMs'),
  'not-built': told('this version does not have it yet'),
  'not-utf-8': told('the file is not UTF-8'),
  'one-place': told('VMs that are kept apart would have to be in one place'),
  'other-type': told('the key is for another type'),
  'out-of-range': told('a number is too small or too large'),
  'over-max': told('a value is over its maximum'),
  'over-spare': told('the pool does not have so many servers to lose'),
  'owned-key': told('an `xl:` key for which Reeve has a word of its own'),
  'pci-memory': told('a VM with PCI devices cannot have memory on demand'),
  'plan-shows': told('the saved plan shows something else than it does'),
  'plan-version': told('the plan was saved by another version of Reeve'),
  'pool-leaves': told('every server of the pool leaves, and VMs are in it'),
  'profile-cycle': told('profiles name each other in a circle'),
  'server-leaves': told('the server leaves, and a VM is put on it'),
  'server-outside-pool': told('the server is in another pool than the VM'),
  'several-documents': told('the file holds several YAML documents'),
  shared: told('two have what only one can have'),
  syntax: told('the file is not YAML'),
  tab: told('the file is indented with tabs'),
  'too-large': told('the file is too large'),
  'too-many': told('a list has too many items'),
  'two-forms': told('something is said in two ways that exclude each other'),
  'unknown-image': told('the pool does not have the image'),
  'unknown-key': told('there is no such key'),
  'unknown-network': told('the pool does not have the network'),
  'unknown-pool': told('there is no such pool'),
  'unknown-profile': told('there is no such profile'),
  'unknown-repository': told('the pool does not have the repository'),
  'unknown-server': told('there is no such server'),
  'unknown-vm': told('there is no such VM'),
  'unreadable-file': told('the file cannot be read'),
  'which-farm': told('farm.yaml and farm/ are both there'),
  'wrong-type': told('a value is of another kind than the key wants'),
} as const satisfies Readonly<Record<string, Meaning>>;

export type FileCode = keyof typeof ofFile;

/** By where they are given. A code is never given another meaning. */
export const reasonsOf = { plan: ofPlan, reading: ofReading, run: ofRun, command: ofCommand, file: ofFile } as const;

const reasons = { ...ofPlan, ...ofReading, ...ofRun, ...ofCommand, ...ofFile };

export type ReasonCode = keyof typeof reasons;

type PlanCode = keyof typeof ofPlan;

/** The codes of what an option or a key of the file would allow a plan. */
export type AllowedCode = {
  [C in PlanCode]: (typeof ofPlan)[C]['allow'] extends null ? never : C;
}[PlanCode];

export const isAllowed = (code: ReasonCode): code is AllowedCode =>
  Object.hasOwn(ofPlan, code) && reasons[code].allow !== null;

/** What would allow something that is refused. */
export type Allow =
  /** An option to add, with as much as it takes: `--allow restart=web`. */
  | { readonly option: string }
  /** An option to leave out. */
  | { readonly without: string }
  /** A key of the file, and what it would have to say. */
  | { readonly key: string; readonly value: string | number | boolean };

export interface Reason {
  readonly code: ReasonCode;
  /** A sentence without its end. */
  readonly why: string;
  /** What would help; null: nothing that Reeve knows of. */
  readonly help: string | null;
}
