/** The file as it is written: generated from the schema by `npm run schema`. */

/**
 * A Xen farm: pools of dom0 servers and their VMs, as they shall be.
 */
export interface FarmFile {
  /**
   * The name of the farm: the owner id that Reeve writes into what it makes.
   */
  farm?: string;
  /**
   * The pools of the farm, by name.
   */
  pools?: {
    [k: string]: Pool;
  };
  /**
   * Short for one pool, named like the farm, with these servers.
   */
  servers?: {
    [k: string]: Server;
  };
  ssh?: Ssh;
  /**
   * Networks of every pool, or of those that `pools` names.
   */
  networks?: {
    [k: string]: FarmNetwork;
  };
  /**
   * Repositories of every pool, or of those that `pools` names.
   */
  repositories?: {
    [k: string]: FarmRepository;
  };
  /**
   * Images that disks are made from, by name.
   */
  templates?: {
    [k: string]: Image;
  };
  /**
   * ISO images, by name.
   */
  isos?: {
    [k: string]: Image;
  };
  /**
   * Reusable sets of VM settings, by name.
   */
  profiles?: {
    [k: string]: Profile;
  };
  defaults?: Profile;
  /**
   * The VMs, by name or pattern.
   */
  vms?: {
    [k: string]: Vm;
  };
  policy?: Policy;
}
/**
 * Servers of one toolstack that share networks and repositories, between which VMs may move.
 */
export interface Pool {
  /**
   * The servers of the pool, by name or pattern.
   */
  servers: {
    [k: string]: Server;
  };
  ssh?: Ssh;
  /**
   * The networks of the pool, by name.
   */
  networks?: {
    [k: string]: Network;
  };
  /**
   * The repositories of the pool, by name.
   */
  repositories?: {
    [k: string]: Repository;
  };
  /**
   * How its servers migrate VMs to each other.
   */
  migration?: {
    /**
     * The private key with which root of each server gets into the others for live migrations: a path on every server, its public half beside it (`.pub`). Unset: Reeve makes one, which may do nothing else.
     */
    key?: string;
  };
  /**
   * How many servers the pool must be able to lose at a time, any of them, with room for its VMs on the others; unset: 0.
   */
  spare?: number;
  /**
   * How much more than it has a server may give to its VMs. Memory is never given twice.
   */
  overcommit?: {
    /**
     * vCPUs per CPU of a server; unset: no limit.
     */
    vcpus?: number;
  };
}
/**
 * A dom0. The key may be a pattern, `dom[01-03]`; `{}` in its values is the name, `{n}` the number.
 */
export interface Server {
  /**
   * The host name or IP address of the dom0; `local` is the machine on which Reeve runs, without SSH.
   */
  address?: string;
  ssh?: Ssh;
  /**
   * The address that live migrations to it go to, where it is not `address`: a host name or IP address of its own.
   */
  migration?: string;
  /**
   * `active`; `maintenance` (its VMs move away); `off` (powered down by us); `lost` (a person vouches that it is dead and fenced); `absent` (evacuate, then forget).
   */
  state?: 'active' | 'maintenance' | 'off' | 'lost' | 'absent';
  /**
   * `utility`: carries out copies and downloads on shared repositories; `vm`: may run VMs. Unset: both.
   *
   * @minItems 1
   */
  roles?: ('utility' | 'vm')[];
  /**
   * Commands, run where Reeve runs, that power the server down and tell that it is down.
   */
  fence?: {
    /**
     * Powers the server down.
     */
    off?: string;
    /**
     * Exits 0 when the server is down; only this is believed.
     */
    status?: string;
  };
}
/**
 * How to reach the server. The nearest of server, pool and farm wins, key by key; where all are silent, ~/.ssh/config, the agent and ~/.ssh/known_hosts serve.
 */
export interface Ssh {
  /**
   * The user to log in as. Any other than root runs everything through `sudo -n`.
   */
  user?: string;
  /**
   * The port of the SSH server.
   */
  port?: number;
  /**
   * The private key file, on the machine where Reeve runs.
   */
  identityFile?: string;
  /**
   * The known_hosts file, on the machine where Reeve runs.
   */
  knownHosts?: string;
  /**
   * A host to go through: `bastion` or `user@bastion:22`.
   */
  jump?: string;
  /**
   * Run everything through `sudo -n`; unset: where the user is not root.
   */
  sudo?: boolean;
  /**
   * How long a connection may take to come up, like `10s`.
   */
  connectTimeout?: string;
}
/**
 * A name for a bridge that every server of the pool has.
 */
export interface Network {
  /**
   * The bridge (Linux or Open vSwitch) that every server of the pool must have.
   */
  bridge: string;
  /**
   * The VLAN on that bridge, which must be one of Open vSwitch: on a Linux bridge Xen ignores it.
   */
  vlan?: number;
}
/**
 * A backing store with disks, templates and ISOs.
 */
export interface Repository {
  /**
   * What backs it.
   */
  type: 'dir' | 'nfs' | 'lvm' | 'ocfs2' | 'iscsi' | 'zfs';
  /**
   * Where it comes from: `filer:/export/vmstore` for nfs.
   */
  source?: string;
  /**
   * Where it is mounted on each server, absolute.
   */
  path?: string;
  /**
   * Mount options, as `mount -o` takes them, like `vers=4.2,hard`.
   */
  options?: string;
  /**
   * The volume group of an lvm repository; unset: its name.
   */
  volumeGroup?: string;
  /**
   * True: one store at the same path on every server. False: one of its kind per server.
   */
  shared?: boolean;
  /**
   * `absent` detaches it.
   */
  state?: 'present' | 'absent';
}
/**
 * A network of every pool, or of those in `pools`.
 */
export interface FarmNetwork {
  /**
   * The bridge (Linux or Open vSwitch) that every server of the pool must have.
   */
  bridge: string;
  /**
   * The VLAN on that bridge, which must be one of Open vSwitch: on a Linux bridge Xen ignores it.
   */
  vlan?: number;
  /**
   * The pools that it serves; unset: all.
   *
   * @minItems 1
   */
  pools?: string[];
}
/**
 * A repository of every pool, or of those in `pools`.
 */
export interface FarmRepository {
  /**
   * What backs it.
   */
  type: 'dir' | 'nfs' | 'lvm' | 'ocfs2' | 'iscsi' | 'zfs';
  /**
   * Where it comes from: `filer:/export/vmstore` for nfs.
   */
  source?: string;
  /**
   * Where it is mounted on each server, absolute.
   */
  path?: string;
  /**
   * Mount options, as `mount -o` takes them, like `vers=4.2,hard`.
   */
  options?: string;
  /**
   * The volume group of an lvm repository; unset: its name.
   */
  volumeGroup?: string;
  /**
   * True: one store at the same path on every server. False: one of its kind per server.
   */
  shared?: boolean;
  /**
   * `absent` detaches it.
   */
  state?: 'present' | 'absent';
  /**
   * The pools that it serves; unset: all.
   *
   * @minItems 1
   */
  pools?: string[];
}
/**
 * An image that repositories hold.
 */
export interface Image {
  /**
   * Where it is fetched from, an https or http URL; or a file on the machine where Reeve runs, like ./netinst.iso, which is uploaded.
   */
  source: string;
  /**
   * The sha256 of its bytes; another one is another image.
   */
  sha256?: string;
  /**
   * The format of a template's bytes; unset: what the end of `source` says (.qcow2, .raw).
   */
  format?: 'raw' | 'qcow2';
  /**
   * The repository (dir or nfs) that keeps it; unset: the only one, or where there is none each server by itself.
   */
  repository?: string;
  /**
   * `absent` removes it; disks that were made from it stay.
   */
  state?: 'present' | 'absent';
  /**
   * The pools that it serves; unset: all.
   *
   * @minItems 1
   */
  pools?: string[];
}
/**
 * A reusable set of VM settings; as `defaults`, for every VM of this file. What the VM says wins over its profile, and the profile over `defaults`; maps are merged, lists and scalars replaced.
 */
export interface Profile {
  /**
   * The profile whose settings hold where this is silent.
   */
  profile?: string;
  /**
   * How it is virtualised; unset: `pvh`.
   */
  type?: 'pv' | 'pvh' | 'hvm';
  /**
   * How many vCPUs, or `{ count, max }`: up to `max` they are added without a restart.
   */
  vcpus?:
    | number
    | {
        /**
         * vCPUs online.
         */
        count?: number;
        /**
         * The most that it can have without a restart; unset: `count`.
         */
        max?: number;
      };
  /**
   * How much memory, or `{ target, max }`: up to `max` it grows without a restart. Whole MiB.
   */
  memory?:
    | string
    | {
        /**
         * What it has.
         */
        target?: string;
        /**
         * The most that it can have without a restart; unset: `target`.
         */
        max?: string;
      };
  boot?: Boot;
  /**
   * Its disks, by device: xvda, xvdb…, or xvda1 for a disk that is one partition; hda…hdd (IDE) and sda…sdp (SCSI) are emulated for HVM.
   */
  disks?: {
    [k: string]: Disk;
  };
  /**
   * The CD drives of an HVM guest, by device: hda…hdd, mostly hdc.
   */
  cdrom?: {
    [k: string]: Cdrom;
  };
  /**
   * Its NICs, by eth0, eth1…
   */
  nics?: {
    [k: string]: Nic;
  };
  /**
   * Short for nics eth0, eth1… on these networks.
   *
   * @maxItems 16
   */
  networks?: string[];
  /**
   * The screen of an HVM guest.
   */
  display?: {
    /**
     * Over VNC, which Xen turns on unless told: true, false, or `{ listen, port, password }`.
     */
    vnc?:
      | boolean
      | {
          /**
           * The address of the server to listen on; unset: 127.0.0.1.
           */
          listen?: string;
          /**
           * The port to listen on; unset: the first that is free from 5900 on.
           */
          port?: number;
          /**
           * The password, never written out: `${env:NAME}` or `${file:PATH}`, where Reeve runs.
           */
          password?: string;
        };
    /**
     * Over SPICE: true, false, or `{ listen, port, password }`.
     */
    spice?:
      | boolean
      | {
          /**
           * The address of the server to listen on; unset: every address.
           */
          listen?: string;
          /**
           * The port to listen on.
           */
          port?: number;
          /**
           * The password, never written out: `${env:NAME}` or `${file:PATH}`, where Reeve runs.
           */
          password?: string;
        };
  };
  /**
   * The serial port of an HVM guest: `pty` for `xl console`, or what QEMU takes.
   */
  serial?: string;
  /**
   * A USB tablet for an HVM guest: its pointer does not drift over VNC.
   */
  tablet?: boolean;
  /**
   * Start it when its server boots; unset: true where `state` is running.
   */
  autostart?: boolean;
  /**
   * Its place in the CPU scheduler.
   */
  sched?: {
    /**
     * Its share of CPU time against others (default 256).
     */
    weight?: number;
    /**
     * The most CPU time it may take, in percent of one CPU; 0 (default): no cap.
     */
    cap?: number;
  };
  /**
   * The CPUs that it may run on, like `0-3,7`, or `{ hard, soft }`; `all` for any.
   */
  affinity?:
    | string
    | {
        /**
         * The CPUs that it may run on.
         */
        hard?: string;
        /**
         * The CPUs that it should run on.
         */
        soft?: string;
      };
  /**
   * The pool of CPUs that it runs in; unset: Pool-0.
   */
  cpupool?: string;
  /**
   * What Xen does when it ends.
   */
  on?: {
    /**
     * When it shuts itself down.
     */
    poweroff?: 'destroy' | 'restart' | 'preserve' | 'rename-restart';
    /**
     * When it reboots.
     */
    reboot?: 'destroy' | 'restart' | 'preserve' | 'rename-restart';
    /**
     * When it crashes.
     */
    crash?: 'destroy' | 'restart' | 'preserve' | 'rename-restart' | 'coredump-destroy' | 'coredump-restart';
  };
  /**
   * What it is to be; unset: running. One that was adopted while it did not run is left as it is while this is unset.
   */
  state?: 'running' | 'paused' | 'stopped' | 'absent';
  /**
   * Its pool; may be left out where the farm has one.
   */
  pool?: string;
  /**
   * The one server that it may be on; unset: any of the pool.
   */
  server?: string;
  /**
   * The servers that it may be on; unset: any of the pool.
   *
   * @minItems 1
   */
  servers?: string[];
  /**
   * Never two VMs of one group on one server: the name of a group, `{ group, soft: true }` to give way where there are too few servers, or a list of these. It replaces what the profile says; `[]`: no group.
   */
  apart?:
    | string
    | {
        /**
         * The name of the group; VMs of one pool that name it are in it.
         */
        group: string;
        /**
         * Give way where there are too few servers; unset: false.
         */
        soft?: boolean;
      }
    | (
        | string
        | {
            /**
             * The name of the group; VMs of one pool that name it are in it.
             */
            group: string;
            /**
             * Give way where there are too few servers; unset: false.
             */
            soft?: boolean;
          }
      )[];
  /**
   * The VMs that start before it and stop after it; `[]`: none, whatever its profile says.
   */
  after?: string[];
  /**
   * When a started VM counts as up.
   */
  ready?: {
    /**
     * A `host:port` that answers when it is up; an IPv6 address in brackets.
     */
    tcp?: string;
    /**
     * From where to try: its server (`dom0`, default), or where Reeve runs (`here`).
     */
    from?: 'dom0' | 'here';
    /**
     * How long it may take; unset: 60s.
     */
    within?: string;
  };
  /**
   * How the VM is shut down.
   */
  shutdown?: {
    /**
     * How long the guest may take, before it counts as not obeying: it is left as it is then, or, where data-loss is allowed, destroyed. Unset: 2m.
     */
    within?: string;
  };
  /**
   * What cloud-init reads at its first boot: a NoCloud seed on a disk of its own. Changed later, it is not replayed.
   */
  cloudInit?: {
    /**
     * cloud-init user data: a text, a map (`#cloud-config`), or `${file:PATH}`.
     */
    userData?:
      | string
      | {
          [k: string]: unknown;
        };
    /**
     * cloud-init meta data.
     */
    metaData?:
      | string
      | {
          [k: string]: unknown;
        };
    /**
     * cloud-init network configuration.
     */
    networkConfig?:
      | string
      | {
          [k: string]: unknown;
        };
  };
  /**
   * No plan may delete, recreate or wipe it, not even when it leaves the file.
   */
  protect?: boolean;
  /**
   * While `reeve roll` treats its server it may be shut down and started again, where it cannot move away. Its budget has to allow a restart.
   */
  rides?: boolean;
  /**
   * The most that a plan may do to it while it runs; unset: `policy.budget`.
   */
  budget?: 'none' | 'live' | 'migrate' | 'device' | 'restart' | 'stop' | 'recreate' | 'data-loss';
  /**
   * Delete its disks together with it.
   */
  deleteDisks?: boolean;
  /**
   * Any xl.cfg key that Reeve has no word for, passed through and compared: a text, a number, true, false, or a list of them.
   */
  xl?: {
    [k: string]: unknown;
  };
}
/**
 * How it boots. Unset: PVH starts its disk's own kernel through pvhgrub, HVM its BIOS.
 */
export interface Boot {
  /**
   * The kernel file on the server, absolute.
   */
  kernel?: string;
  /**
   * The initial ramdisk on the server, absolute.
   */
  ramdisk?: string;
  /**
   * The kernel's command line.
   */
  cmdline?: string;
  /**
   * Runs in dom0 and takes the kernel from the disk (PV, PVH): `pygrub`, or an absolute path.
   */
  bootloader?: string;
  /**
   * What an HVM guest starts; unset: `bios`.
   */
  firmware?: 'bios' | 'uefi';
  /**
   * What the firmware of an HVM guest tries, in this order; unset: disk, cdrom.
   *
   * @minItems 1
   */
  order?: ('disk' | 'cdrom' | 'network')[];
}
/**
 * A disk: by `path`, or by `repository` and `size`.
 *
 * This interface was referenced by `undefined`'s JSON-Schema definition
 * via the `patternProperty` "^(xvd[a-z]{1,2}([1-9][0-9]?)?|hd[a-d]([1-9]|[1-5][0-9]|6[0-3])?|sd[a-p]([1-9]|1[0-5])?)$".
 */
export interface Disk {
  /**
   * An image file or block device on the server, absolute, or what QEMU (`rbd:pool/image`) or a script (`drbd:web`) finds it by; Reeve neither makes nor deletes it.
   */
  path?: string;
  /**
   * `rw` (default); `ro`; `shared`: several VMs write it, and each of them says so.
   */
  access?: 'ro' | 'rw' | 'shared';
  /**
   * The repository in which Reeve makes it; unset: the only one.
   */
  repository?: string;
  /**
   * Its size, like `20GiB`: Reeve makes it, blank.
   */
  size?: string;
  /**
   * The template that it is made from.
   */
  from?: string;
  /**
   * The format of its bytes; unset: `raw`, or as it was found.
   */
  format?: 'raw' | 'qcow2' | 'vhd';
  /**
   * What serves it in dom0: the kernel (`phy`, raw only), QEMU (`qdisk`) or `tap`; unset: Xen chooses.
   */
  backend?: 'phy' | 'qdisk' | 'tap';
  /**
   * The hotplug script that brings it: a name in /etc/xen/scripts, or an absolute path; unset: Xen’s own, or as it was found.
   */
  script?: string;
  /**
   * The path of a disk that Reeve takes as its own.
   */
  adopt?: string;
}
/**
 * A CD drive and its medium; `{}` is an empty drive. A medium is changed while the VM runs, a drive is not.
 *
 * This interface was referenced by `undefined`'s JSON-Schema definition
 * via the `patternProperty` "^hd[a-d]$".
 */
export interface Cdrom {
  /**
   * The ISO in the drive, by its name under `isos`.
   */
  iso?: string;
  /**
   * The ISO file in the drive, absolute, on the server.
   */
  path?: string;
}
/**
 * A NIC.
 *
 * This interface was referenced by `undefined`'s JSON-Schema definition
 * via the `patternProperty` "^eth([0-9]|1[0-5])$".
 */
export interface Nic {
  /**
   * The network that it hangs on.
   */
  network?: string;
  /**
   * Its MAC; unset: derived once, then kept.
   */
  mac?: string;
  /**
   * The most that it sends, like `10Mb/s` or `500KB/s`; `@20ms` behind it changes the interval of 50ms.
   */
  rate?: string;
  /**
   * The card that an HVM guest sees (`e1000`, `rtl8139`), or `pv` for none beside the paravirtual NIC.
   */
  model?: string;
  /**
   * The hotplug script: a name in /etc/xen/scripts, or an absolute path.
   */
  script?: string;
}
/**
 * A domU. The key may be a pattern, `web-[1-20]`; `{}` in its values is the name, `{n}` the number.
 */
export interface Vm {
  /**
   * The profile whose settings hold where this is silent.
   */
  profile?: string;
  /**
   * How it is virtualised; unset: `pvh`.
   */
  type?: 'pv' | 'pvh' | 'hvm';
  /**
   * How many vCPUs, or `{ count, max }`: up to `max` they are added without a restart.
   */
  vcpus?:
    | number
    | {
        /**
         * vCPUs online.
         */
        count?: number;
        /**
         * The most that it can have without a restart; unset: `count`.
         */
        max?: number;
      };
  /**
   * How much memory, or `{ target, max }`: up to `max` it grows without a restart. Whole MiB.
   */
  memory?:
    | string
    | {
        /**
         * What it has.
         */
        target?: string;
        /**
         * The most that it can have without a restart; unset: `target`.
         */
        max?: string;
      };
  boot?: Boot;
  /**
   * Its disks, by device: xvda, xvdb…, or xvda1 for a disk that is one partition; hda…hdd (IDE) and sda…sdp (SCSI) are emulated for HVM.
   */
  disks?: {
    [k: string]: Disk;
  };
  /**
   * The CD drives of an HVM guest, by device: hda…hdd, mostly hdc.
   */
  cdrom?: {
    [k: string]: Cdrom;
  };
  /**
   * Its NICs, by eth0, eth1…
   */
  nics?: {
    [k: string]: Nic;
  };
  /**
   * Short for nics eth0, eth1… on these networks.
   *
   * @maxItems 16
   */
  networks?: string[];
  /**
   * The screen of an HVM guest.
   */
  display?: {
    /**
     * Over VNC, which Xen turns on unless told: true, false, or `{ listen, port, password }`.
     */
    vnc?:
      | boolean
      | {
          /**
           * The address of the server to listen on; unset: 127.0.0.1.
           */
          listen?: string;
          /**
           * The port to listen on; unset: the first that is free from 5900 on.
           */
          port?: number;
          /**
           * The password, never written out: `${env:NAME}` or `${file:PATH}`, where Reeve runs.
           */
          password?: string;
        };
    /**
     * Over SPICE: true, false, or `{ listen, port, password }`.
     */
    spice?:
      | boolean
      | {
          /**
           * The address of the server to listen on; unset: every address.
           */
          listen?: string;
          /**
           * The port to listen on.
           */
          port?: number;
          /**
           * The password, never written out: `${env:NAME}` or `${file:PATH}`, where Reeve runs.
           */
          password?: string;
        };
  };
  /**
   * The serial port of an HVM guest: `pty` for `xl console`, or what QEMU takes.
   */
  serial?: string;
  /**
   * A USB tablet for an HVM guest: its pointer does not drift over VNC.
   */
  tablet?: boolean;
  /**
   * Start it when its server boots; unset: true where `state` is running.
   */
  autostart?: boolean;
  /**
   * Its place in the CPU scheduler.
   */
  sched?: {
    /**
     * Its share of CPU time against others (default 256).
     */
    weight?: number;
    /**
     * The most CPU time it may take, in percent of one CPU; 0 (default): no cap.
     */
    cap?: number;
  };
  /**
   * The CPUs that it may run on, like `0-3,7`, or `{ hard, soft }`; `all` for any.
   */
  affinity?:
    | string
    | {
        /**
         * The CPUs that it may run on.
         */
        hard?: string;
        /**
         * The CPUs that it should run on.
         */
        soft?: string;
      };
  /**
   * The pool of CPUs that it runs in; unset: Pool-0.
   */
  cpupool?: string;
  /**
   * What Xen does when it ends.
   */
  on?: {
    /**
     * When it shuts itself down.
     */
    poweroff?: 'destroy' | 'restart' | 'preserve' | 'rename-restart';
    /**
     * When it reboots.
     */
    reboot?: 'destroy' | 'restart' | 'preserve' | 'rename-restart';
    /**
     * When it crashes.
     */
    crash?: 'destroy' | 'restart' | 'preserve' | 'rename-restart' | 'coredump-destroy' | 'coredump-restart';
  };
  /**
   * What it is to be; unset: running. One that was adopted while it did not run is left as it is while this is unset.
   */
  state?: 'running' | 'paused' | 'stopped' | 'absent';
  /**
   * Its pool; may be left out where the farm has one.
   */
  pool?: string;
  /**
   * The one server that it may be on; unset: any of the pool.
   */
  server?: string;
  /**
   * The servers that it may be on; unset: any of the pool.
   *
   * @minItems 1
   */
  servers?: string[];
  /**
   * Never two VMs of one group on one server: the name of a group, `{ group, soft: true }` to give way where there are too few servers, or a list of these. It replaces what the profile says; `[]`: no group.
   */
  apart?:
    | string
    | {
        /**
         * The name of the group; VMs of one pool that name it are in it.
         */
        group: string;
        /**
         * Give way where there are too few servers; unset: false.
         */
        soft?: boolean;
      }
    | (
        | string
        | {
            /**
             * The name of the group; VMs of one pool that name it are in it.
             */
            group: string;
            /**
             * Give way where there are too few servers; unset: false.
             */
            soft?: boolean;
          }
      )[];
  /**
   * The VMs that start before it and stop after it; `[]`: none, whatever its profile says.
   */
  after?: string[];
  /**
   * When a started VM counts as up.
   */
  ready?: {
    /**
     * A `host:port` that answers when it is up; an IPv6 address in brackets.
     */
    tcp?: string;
    /**
     * From where to try: its server (`dom0`, default), or where Reeve runs (`here`).
     */
    from?: 'dom0' | 'here';
    /**
     * How long it may take; unset: 60s.
     */
    within?: string;
  };
  /**
   * How the VM is shut down.
   */
  shutdown?: {
    /**
     * How long the guest may take, before it counts as not obeying: it is left as it is then, or, where data-loss is allowed, destroyed. Unset: 2m.
     */
    within?: string;
  };
  /**
   * What cloud-init reads at its first boot: a NoCloud seed on a disk of its own. Changed later, it is not replayed.
   */
  cloudInit?: {
    /**
     * cloud-init user data: a text, a map (`#cloud-config`), or `${file:PATH}`.
     */
    userData?:
      | string
      | {
          [k: string]: unknown;
        };
    /**
     * cloud-init meta data.
     */
    metaData?:
      | string
      | {
          [k: string]: unknown;
        };
    /**
     * cloud-init network configuration.
     */
    networkConfig?:
      | string
      | {
          [k: string]: unknown;
        };
  };
  /**
   * No plan may delete, recreate or wipe it, not even when it leaves the file.
   */
  protect?: boolean;
  /**
   * While `reeve roll` treats its server it may be shut down and started again, where it cannot move away. Its budget has to allow a restart.
   */
  rides?: boolean;
  /**
   * The most that a plan may do to it while it runs; unset: `policy.budget`.
   */
  budget?: 'none' | 'live' | 'migrate' | 'device' | 'restart' | 'stop' | 'recreate' | 'data-loss';
  /**
   * Delete its disks together with it.
   */
  deleteDisks?: boolean;
  /**
   * Any xl.cfg key that Reeve has no word for, passed through and compared: a text, a number, true, false, or a list of them.
   */
  xl?: {
    [k: string]: unknown;
  };
  /**
   * Xen's name, where it differs from the key.
   */
  name?: string;
  /**
   * The key that it had before: the VM of that key is this one, renamed.
   */
  formerly?: string;
  /**
   * Its UUID; unset: derived once, then kept.
   */
  uuid?: string;
}
/**
 * What plans may do unasked.
 */
export interface Policy {
  /**
   * The most that a plan may do to a running VM which has no budget of its own; unset: `migrate`.
   */
  budget?: 'none' | 'live' | 'migrate' | 'device' | 'restart' | 'stop' | 'recreate' | 'data-loss';
  /**
   * How restarts roll.
   */
  restarts?: {
    /**
     * How many VMs may be down for a restart at a time; unset: no limit.
     */
    atOnce?: number;
  };
  /**
   * How much one plan may delete.
   */
  deletes?: {
    /**
     * The most VMs that one plan may delete; unset: 5.
     */
    max?: number;
    /**
     * The same as a share of the VMs, counted from 20 VMs on; unset: 10.
     */
    percent?: number;
  };
  /**
   * Commands, run where Reeve runs, before a change of that class; a non-zero exit stops the operation.
   */
  before?: {
    /**
     * Run before a change of class live; `{vm}` is the VM, `{server}` its server, `{op}` the operation.
     */
    live?: string;
    /**
     * Run before a change of class migrate; `{vm}` is the VM, `{server}` its server, `{op}` the operation.
     */
    migrate?: string;
    /**
     * Run before a change of class device; `{vm}` is the VM, `{server}` its server, `{op}` the operation.
     */
    device?: string;
    /**
     * Run before a change of class restart; `{vm}` is the VM, `{server}` its server, `{op}` the operation.
     */
    restart?: string;
    /**
     * Run before a change of class stop; `{vm}` is the VM, `{server}` its server, `{op}` the operation.
     */
    stop?: string;
    /**
     * Run before a change of class recreate; `{vm}` is the VM, `{server}` its server, `{op}` the operation.
     */
    recreate?: string;
    /**
     * Run before a change of class data-loss; `{vm}` is the VM, `{server}` its server, `{op}` the operation.
     */
    'data-loss'?: string;
  };
}
