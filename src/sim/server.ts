/** What a simulated dom0 is made from, and what there is to fetch beside it. */

export interface Server {
  readonly name: string;
  /** Where the other dom0s reach it; its name unless said. It answers to both. */
  readonly address?: string | undefined;
  readonly memoryMiB: number;
  readonly dom0MiB: number;
  readonly cpus: number;
  readonly bridges: readonly string[];
  /** Files that are there (kernels, images). */
  readonly paths: readonly string[];
  /** `4.17.7` unless said. */
  readonly xenVersion?: string | undefined;
  /** `pv hvm hap …` unless said. */
  readonly virtCaps?: string | undefined;
  /** The eight words of `hw_caps`, with colons between; an AMD of the lab's emulation unless said. */
  readonly hwCaps?: string | undefined;
  /** A QEMU for Xen is installed; unless said, it is. */
  readonly qemu?: boolean | undefined;
  /** That QEMU has DES, which VNC passwords need; unless said, it has. */
  readonly qemuDes?: boolean | undefined;
  /** `Pool-0` unless said; it is always the first. */
  readonly cpupools?: readonly string[] | undefined;
  /** Open vSwitch bridges; undefined: there is no Open vSwitch. */
  readonly ovs?: readonly string[] | undefined;
  /** The text of /etc/default/xendomains, Debian's unless said; null: there is no such file. */
  readonly xendomains?: string | null | undefined;
  /** By name: how large each is, in KiB. */
  readonly volumeGroups?: Readonly<Record<string, number>> | undefined;
  /** What this server swallows from the start, as `SimFaults.swallow` has it. */
  readonly swallows?: readonly string[] | undefined;
}

/** What there is to fetch at a URL. */
export interface WebFile {
  readonly bytes: Uint8Array;
  /** 200 unless said. */
  readonly status?: number;
  /** The connection breaks after so many bytes of an answer. */
  readonly cutAfter?: number;
  /** Its server does not answer. */
  readonly dead?: boolean;
  /** Its server does not tell how long it is. */
  readonly unsized?: boolean;
  /** Its server sends nothing while this says so. */
  readonly stalls?: () => boolean;
}
