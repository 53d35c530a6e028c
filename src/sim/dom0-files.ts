/** The files that a fresh dom0 has: Xen's own, Debian's xendomains, QEMU where it is installed, and what the server's spec names. */
import type { Files } from './files.ts';

const folders = [
  '/etc/xen/auto',
  '/etc/xen/scripts',
  '/etc/default',
  '/etc/ssh',
  '/root/.ssh',
  '/var/lib/xen/dump',
  '/var/log/xen',
  '/proc/sys/kernel/random',
  '/run',
  '/tmp',
];

/** libxl keeps one of dom0 itself, with next to nothing in it. */
const dom0Record = `{
    "c_info": {
        "type": "pv"
    },
    "b_info": {
        "sched_params": {

        },
        "type.pv": {

        },
        "arch_arm": {

        },
        "arch_x86": {

        }
    }
}
\0`;

/** Debian's, without most of its comments. */
const debianXendomains = `
# Set this to a non-empty string if you want to migrate virtual machines
# on shutdown. The string will be passed to the xm migrate DOMID command
# as is: It should contain the target IP address of the physical machine
# to migrate to and optionally parameters like --live. Leave empty if
# you don't want to try virtual machine relocation on shutdown.
#
XENDOMAINS_MIGRATE=""

# Directory to save running domains to when the system (dom0) is
# shut down. Leave empty to disable domain saving on shutdown
#
XENDOMAINS_SAVE=/var/lib/xen/save

# This variable determines whether saved domains from XENDOMAINS_SAVE
# will be restored on system startup.
#
XENDOMAINS_RESTORE=true

XENDOMAINS_AUTO=/etc/xen/auto

XENDOMAINS_STOP_MAXWAIT=300
`;

const debianFstab = `# /etc/fstab: static file system information.
#
# Use 'blkid' to print the universally unique identifier for a
# device; this may be used with UUID= as a more robust way to name devices
# that works even if disks are added and removed. See fstab(5).
#
# systemd generates mount units based on this file, see systemd.mount(5).
# Please run 'systemctl daemon-reload' after making changes here.
#
# <file system> <mount point>   <type>  <options>       <dump>  <pass>
/dev/xvda1 /               ext4    errors=remount-ro 0       1
`;

/** Where Debian has it (package qemu-system-xen). */
export const qemuPath = '/usr/libexec/xen-qemu-system-i386';

interface Wanted {
  readonly paths: readonly string[];
  readonly xenVersion?: string | undefined;
  readonly qemu?: boolean | undefined;
  readonly xendomains?: string | null | undefined;
}

export const putDom0Files = (files: Files, wanted: Wanted, bootId: string): void => {
  const program = (path: string): void => {
    files.mkdir(path.slice(0, path.lastIndexOf('/')));
    files.write(path, '', 0o755);
  };
  for (const folder of folders) files.mkdir(folder);
  files.write('/proc/sys/kernel/random/boot_id', `${bootId}\n`, 0o444);
  files.write('/etc/fstab', debianFstab);
  files.write('/etc/xen/xl.conf', '# Global XL config file #\n');
  if (wanted.xendomains !== null) files.write('/etc/default/xendomains', wanted.xendomains ?? debianXendomains);
  const [major = '4', minor = '17'] = (wanted.xenVersion ?? '4.17.7').split('.');
  program(`/usr/lib/xen-${major}.${minor}/bin/pygrub`);
  if (wanted.qemu !== false) program(qemuPath);
  files.put('/var/lib/xen/userdata-d.0.00000000-0000-0000-0000-000000000000.libxl-json', dom0Record, 0o600);
  for (const path of wanted.paths) {
    files.mkdir(path.slice(0, path.lastIndexOf('/')) || '/');
    files.write(path, '');
  }
};
