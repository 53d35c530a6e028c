/** Answers the observe text: the sections of one reading, framed by the nonce, as the shell text would print them. */
import { Buffer } from 'node:buffer';
import { isVolumeGroup } from '../kinds/repository/live.ts';
import type { Dom0 } from './dom0.ts';
import type { World } from './world.ts';
import { qemuPath } from './dom0-files.ts';
import { lvsText, vgsText } from './lvm.ts';
import { ipLink, ovsBridges, processes } from './print-host.ts';
import { schedList, vcpuList } from './print-sched.ts';
import { xenstore } from './print-xenstore.ts';
import { xlInfo, xlList } from './print-xl.ts';
import { lookAt } from './storage.ts';
import { tar } from './tar.ts';

const noHypervisor = "ERROR:  Can't find hypervisor information in sysfs!\n";

const notPermitted =
  'xencall: error: Could not obtain handle on privileged command interface: Permission denied\n' +
  'libxl: error: libxl.c:102:libxl_ctx_alloc: cannot open libxc handle: Permission denied\n' +
  'cannot init xl context\n';

interface Answer {
  readonly bytes: Buffer;
  /** What it had to wait for, beside its own work. */
  readonly ms: number;
}

const savedImages = ({ files }: World): string => {
  const folder = '/var/lib/xen/save';
  const plain = files.list(folder).filter((n) => !n.startsWith('.') && files.get(`${folder}/${n}`)?.is === 'file');
  return plain.map((n) => `${n}\n`).join('');
};

/** With links followed; what is large or does not read like a cfg is left out. */
const cfgsElsewhere = ({ files }: World, names: readonly string[]): Buffer => {
  const fit = names.filter((name) => {
    const text = files.text(`/${name}`) ?? '';
    return Buffer.byteLength(text) <= 256 * 1024 && /^[ \t]*name[ \t]*=/m.test(text);
  });
  return fit.length === 0 ? Buffer.alloc(0) : tar(files, fit, true).out;
};

/** How long the text waits for those that look at paths. */
const lookMs = 8000;

/** The whole answer, of this moment. `privileged`: it runs as root. */
export const observe = (dom0: Dom0, args: readonly string[], privileged: boolean): Answer => {
  const { world, faults } = dom0;
  const [nonce = '', what = '', ...paths] = args;
  const out: Buffer[] = [];
  let ms = 0;
  const section = (name: string, rc: number, body: string | Buffer): void => {
    out.push(
      Buffer.from(`\n@${nonce} ${name}\n`),
      typeof body === 'string' ? Buffer.from(body) : body,
      Buffer.from(`\n@${nonce} /${name} ${rc}\n`),
    );
  };
  section('host', 0, `${world.server.name}\n${world.bootId}\n`);
  if (faults.noXen || !privileged) section('xl-info', 1, faults.noXen ? noHypervisor : notPermitted);
  else {
    section('xl-info', 0, xlInfo(world));
    for (let tries = 0; tries < 3; tries += 1) {
      const flaky = faults.flakyLists > 0;
      if (flaky) faults.flakyLists -= 1;
      section('xl-list', flaky ? 1 : 0, flaky ? 'libxl_list_domain failed.\n' : xlList(world, null, true, true));
      if (!flaky) break;
    }
    if (what === 'all') {
      section('xl-vcpus', 0, vcpuList(world, null));
      section('xl-sched', 0, schedList(world, null));
      section('xl-credit', 0, '');
    }
    section('xs', 0, xenstore(world));
    const configs = world.files.list('/etc/xen').filter((n) => !n.startsWith('.') && !['scripts', 'boot'].includes(n));
    const records = world.files.list('/var/lib/xen').filter((n) => n.startsWith('userdata-d.'));
    const archive = tar(world.files, [
      ...configs.map((n) => `etc/xen/${n}`),
      'etc/default/xendomains',
      'etc/sysconfig/xendomains',
      'etc/fstab',
      ...records.map((n) => `var/lib/xen/${n}`),
      'etc/reeve',
      'etc/ssh/ssh_host_ed25519_key.pub',
      'root/.ssh/reeve-migration.pub',
      'root/.ssh/authorized_keys',
    ]);
    section('files', archive.rc, archive.out);
    section('saved', 0, savedImages(world));
    section('link', 0, ipLink(world));
    section('ps', 0, processes(world));
    const ovs = ovsBridges(world);
    if (what === 'all') section('ovs', ovs.rc, ovs.out);
    if (paths.some((p) => p.endsWith('/') && isVolumeGroup(p))) {
      section('vgs', 0, vgsText(world));
      section('lvs', 0, lvsText(world));
    }
    section('qemu', 0, world.files.exists(qemuPath) ? `${qemuPath}\n` : '');
    if (paths.length > 0) {
      section('mounts', 0, world.files.text('/proc/self/mounts') ?? '');
      const { lines, stuck } = lookAt(world, paths);
      section('paths', stuck ? 137 : 0, Buffer.from(lines.map((l) => `${l}\n`).join(''), 'latin1'));
      if (stuck) ms = lookMs;
      const asked = paths.flatMap((p) => (p.startsWith('cfg:/') ? [p.slice('cfg:/'.length)] : []));
      if (asked.length > 0) section('cfgs', 0, cfgsElsewhere(world, asked));
    }
  }
  out.push(Buffer.from(`\n@${nonce} END\n`));
  return { bytes: Buffer.concat(out), ms };
};
