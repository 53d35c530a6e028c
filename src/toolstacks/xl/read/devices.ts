/** The disks, CD drives and NICs of a running domain: from libxl's trusted side of xenstore, and where its vifs hang. */
import { covered } from '../../../core/password.ts';
import { rateOf } from '../../../kinds/vm/rate.ts';
import type { Domain, LiveCd, LiveDisk, LiveNic } from '../../../kinds/vm/live.ts';
import type { Links } from './ip-link.ts';
import type { StoredConfig } from './libxl-json.ts';
import { scriptName } from '../../../kinds/vm/script.ts';
import type { Xenstore } from './xenstore.ts';
import { table } from '../../../core/table.ts';

export const toNumber = (text: string | undefined): number | null =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : null;

/** 0 where there is no backend (any more), or a ghost whose script failed: its state says nothing then. */
const backendState = (xs: Xenstore, device: string): number => {
  const backend = xs.get(`${device}/backend`);
  if (xs.get(`${backend}/hotplug-status`) === 'error') return 0;
  return (backend === undefined ? null : toNumber(xs.get(`${backend}/state`))) ?? 0;
};

const byNumber = (a: string, b: string): number => Number(a) - Number(b);

/** The script of a disk that is not libxl's own. */
const scriptOf = (script: string | undefined): { readonly script?: string } =>
  script === undefined || script === '' || scriptName(script) === 'block' ? {} : { script: scriptName(script) };

/** CD drives are kept apart: their media come and go. */
export const disksOf = (xs: Xenstore, domid: number, stored: StoredConfig | null): Pick<Domain, 'disks' | 'cdroms'> => {
  const folder = `/libxl/${domid}/device/vbd`;
  const disks: LiveDisk[] = [];
  const cdroms: Record<string, LiveCd> = table();
  for (const id of [...xs.list(folder)].sort(byNumber)) {
    const at = `${folder}/${id}`;
    const vdev = xs.get(`${at}/dev`);
    if (vdev === undefined) continue;
    const params = xs.get(`${at}/params`) ?? '';
    const backend = xs.get(`${at}/type`) ?? 'phy';
    // QEMU is given `qcow2:/path`; raw is called aio.
    const prefix = backend === 'phy' ? undefined : /^(?:[a-z0-9]+|\(null\))(?=:)/.exec(params)?.[0];
    const path = covered(prefix === undefined ? params : params.slice(prefix.length + 1));
    if (xs.get(`${at}/device-type`) === 'cdrom') {
      // `aio:` was empty from the start; one that was emptied has no prefix.
      cdroms[vdev] = path === '' && prefix !== undefined ? { path, fixed: true } : { path };
      continue;
    }
    disks.push({
      vdev,
      path,
      access: xs.get(`${at}/mode`) === 'w' ? 'rw' : 'ro',
      format: stored?.formats[vdev] ?? (prefix === undefined || prefix === 'aio' ? 'raw' : prefix),
      backend,
      state: backendState(xs, at),
      ...scriptOf(xs.get(`${at}/script`)),
    });
  }
  return { disks, cdroms };
};

/** `512000,50000`: bytes, and the microseconds in which they are handed out; 0 bytes are no limit. */
const liveRate = (text: string | undefined): string | null => {
  const m = /^(\d+),(\d+)$/.exec(text ?? '');
  return m && Number(m[1]) > 0 && Number(m[2]) > 0 ? rateOf(Number(m[1]), Number(m[2])) : null;
};

/** What QEMU emulates where no card was said. */
const ownCard = 'rtl8139';

/** Null: it hangs on nothing, or is not there at all; undefined: that was not read, or its backend is no affair of dom0's. */
const masterOf = (links: Links | null, xs: Xenstore, device: string, usual: string): string | null | undefined => {
  const master = links?.master.get(xs.get(`${device}/vifname`) ?? usual);
  const local = xs.get(`${device}/backend`)?.startsWith('/local/domain/0/') === true;
  return master === undefined && links !== null && local ? null : master;
};

export const nicsOf = (
  xs: Xenstore,
  domid: number,
  stored: StoredConfig | null,
  links: Links | null,
): readonly LiveNic[] => {
  const folder = `/libxl/${domid}/device/vif`;
  return [...xs.list(folder)].sort(byNumber).flatMap((id) => {
    const at = `${folder}/${id}`;
    const mac = xs.get(`${at}/mac`)?.toLowerCase();
    if (mac === undefined) return [];
    const recorded = xs.get(`${at}/bridge`) ?? null;
    const master = masterOf(links, xs, at, `vif${domid}.${id}`);
    const script = xs.get(`${at}/script`);
    // Under Open vSwitch every vif has the one master `ovs-system`; only libxl's record tells the bridge.
    const bridge = master === undefined || master === 'ovs-system' ? recorded : master;
    return [
      {
        devid: Number(id),
        mac,
        bridge,
        ...(recorded !== null && bridge !== null && recorded !== bridge ? { recorded } : {}),
        vlan: toNumber(xs.get(`${at}/vlan`)) ?? stored?.vlans[mac] ?? null,
        rate: liveRate(xs.get(`${at}/rate`)),
        model: xs.get(`${at}/type`) === 'vif_ioemu' ? (stored?.cards[mac] ?? ownCard) : 'pv',
        script: script === undefined || script === '' ? null : scriptName(script),
        state: backendState(xs, at),
      },
    ];
  });
};
