/** What `xl migrate` prints, from both its ends, as Xen 4.17 does [L]. */
import { gone } from './build-errors.ts';
import type { DomainConfig } from './config.ts';

const bannerLost =
  'libxl: error: libxl_utils.c:505:libxl_read_exactly: file/stream truncated reading banner from migration receiver stream\n';

export const transportEnded = (pid: number, code: number): string =>
  `libxl: info: libxl_exec.c:117:libxl_report_child_exitstatus: migration transport process [${pid}] exited with error status ${code}\n`;

/** ssh did not get there. */
export const noTransport = (pid: number, code: number): string => bannerLost + transportEnded(pid, code);

export const begun = (domid: number, type: DomainConfig['type'], size: number): string =>
  `migration target: Ready to receive domain.\nSaving to migration stream new xl format (info 0x3/0x0/${size})\n` +
  `Loading new save file <incoming migration stream> (new xl fmt info 0x3/0x0/${size})\n Savefile contains xl domain config in JSON format\n` +
  `Parsing config from <saved>\nxc: info: Saving domain ${domid}, type x86 ${type === 'pv' ? 'PV' : 'HVM'}\n`;

export const restoring = (type: DomainConfig['type']): string =>
  `xc: info: Found x86 ${type === 'pv' ? 'PV' : 'HVM'} domain from Xen 4.17\nxc: info: Restoring domain\n`;

export const restored =
  'xc: info: Restore successful\nxc: info: XenStore: mfn 0xfeffc, dom 0, evt 1\nxc: info: Console: mfn 0xfefff, dom 0, evt 2\n';

export const unmade = (code: number): string => `migration target: Domain creation failed (code ${code}).\n`;

const notRebuilt = (domid: number, error: string): string =>
  `libxl: error: libxl_stream_read.c:850:libxl__xc_domain_restore_done: restoring domain: ${error}\n` +
  `libxl: error: libxl_create.c:1640:domcreate_rebuild_done: Domain ${domid}:cannot (re-)build domain: -3\n${gone(domid)}`;

export const noRoom = (domid: number): string =>
  'xc: error: Failed to populate physmap (16 = Device or resource busy): Internal error\n' +
  'xc: error: Failed to populate pfns for batch of 1024 pages: Internal error\n' +
  `xc: error: Restore failed (16 = Device or resource busy): Internal error\n${notRebuilt(domid, 'Device or resource busy')}`;

/** The stream ended before the domain was whole. */
export const cutShort = (domid: number): string =>
  'xc: error: Failed to read Record Header from stream (0 = Success): Internal error\n' +
  `xc: error: Restore failed (0 = Success): Internal error\n${notRebuilt(domid, 'Success')}`;

export const nameTakenHere = (domid: number, name: string): string =>
  `libxl: error: libxl_domain.c:81:libxl__domain_rename: Domain ${domid}:Domain with name "${name}" already exists.\n`;

/** The far end is gone while the guest still runs: it was never suspended, so it cannot be resumed either. */
export const notSuspended = (domid: number, helper: number, transport: string): string =>
  `libxl: error: libxl_utils.c:505:libxl_read_exactly: file/stream truncated reading ipc msg header from domain ${domid} save/restore helper stdout pipe\n` +
  `libxl: error: libxl_exec.c:127:libxl_report_child_exitstatus: domain ${domid} save/restore helper [${helper}] died due to fatal signal Broken pipe\n` +
  `migration sender: libxl_domain_suspend failed (rc=-3)\n${transport}Migration failed, resuming at sender.\n` +
  `xc: error: Dom ${domid} not suspended: (shutdown 0, reason 255): Internal error\n` +
  `libxl: error: libxl_dom_suspend.c:666:domain_resume_done: Domain ${domid}:xc_domain_resume failed: Invalid argument\n`;

/** The far end is gone once the guest is suspended. */
export const resuming = (transport: string): string =>
  `libxl: error: libxl_utils.c:505:libxl_read_exactly: file/stream truncated reading ready message from migration receiver stream\n${transport}Migration failed, resuming at sender.\n`;

export const logdirty = (domid: number): string =>
  'xc: error: Failed to enable logdirty: 95,22,0 (22 = Invalid argument): Internal error\n' +
  'xc: error: Save failed (22 = Invalid argument): Internal error\n' +
  saveFailed(domid, 'Invalid argument');

export const saveFailed = (domid: number, why: string): string =>
  `libxl: error: libxl_stream_write.c:347:libxl__xc_domain_save_done: Domain ${domid}:saving domain: domain did not respond to suspend request: ${why}\n` +
  'migration sender: libxl_domain_suspend failed (rc=-8)\n';

export const failedToSuspend = 'Migration failed, failed to suspend at sender.\n';

export const acknowledged = 'migration sender: Target has acknowledged transfer.\n';

export const permitted =
  'migration target: Transfer complete, requesting permission to start domain.\n' +
  'migration sender: Giving target permission to start.\nmigration target: Got permission, starting domain.\n';

export const startedThere = 'migration target: Domain started successsfully.\n';

export const started = `${startedThere}migration sender: Target reports successful startup.\nMigration successful.\n`;

export const refusedAtTarget = (status: number): string =>
  `migration sender: Target reports startup failure (status code ${status}).\nmigration target: Failure, destroying our copy.\n` +
  'migration target: Cleanup OK, granting sender permission to resume.\nmigration sender: Trying to resume at our end.\n' +
  'migration sender: Resumed OK.\nMigration failed due to problems at target.\n';

export const undefinedState = (transport: string): string =>
  'libxl: error: libxl_utils.c:505:libxl_read_exactly: file/stream truncated reading success/failure report message from migration receiver stream\n' +
  '** Migration failed during final handshake **\nDomain state is now undefined !\n' +
  'Please CHECK AT BOTH ENDS for running instances, before renaming and\n' +
  ' resuming at most one instance.  Two simultaneous instances of the domain\n' +
  ' would probably result in SEVERE DATA LOSS and it is now your\n responsibility to avoid that.  Sorry.\n' +
  transport;
