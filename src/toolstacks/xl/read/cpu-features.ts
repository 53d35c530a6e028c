/** What the words of `hw_caps` in `xl info` say of the CPU, as far as guests may see it. */

/**
 * By word and bit, as the `cpuid` key of a cfg calls them; `-`: no guest sees it by default, or Xen gives every guest the same
 * (its APIC, the bit that tells of a hypervisor), so that two servers may differ in it. The words are those of Xen's
 * featuresets: 1d, 1c, e1d, e1c, Da1, 7b0, 7c0; of the eighth (e7d) guests see nothing by default.
 */
const words: readonly (readonly string[])[] = [
  'fpu vme de pse tsc msr pae mce cmpxchg8 - - sysenter mtrr pge mca cmov pat pse36 - clfsh - - - mmx fxsr sse sse2 ss - - - -',
  'sse3 pclmulqdq - - - - - - - ssse3 - - fma cmpxchg16 - - - pcid - sse4_1 sse4_2 - movbe popcnt tsc-deadline aes xsave - avx f16c rdrand -',
  '- - - - - - - - - - - syscall - - - - - - - - nx - mmxext - - ffxsr page1gb rdtscp - lm 3dnowext 3dnow',
  'lahfsahf - - - altmovcr8 abm sse4a misalignsse 3dnowprefetch - - xop - - - - fma4 - - - - tbm - - - - - - - - - -',
  'xsaveopt xsavec xgetbv1 xsaves',
  'fsgsbase tsc_adjust - bmi1 hle avx2 - smep bmi2 erms invpcid rtm - - mpx - avx512f avx512dq rdseed adx smap avx512-ifma - clflushopt clwb - avx512pf avx512er avx512cd sha avx512bw avx512vl',
  'prefetchwt1 avx512-vbmi umip pku - - avx512-vbmi2 - gfni vaes vpclmulqdq avx512-vnni avx512-bitalg - avx512-vpopcntdq - - - - - - - rdpid - - cldemote - - - - - -',
].map((names) => names.split(' '));

/** Undefined where it was not told, or by a Xen that ordered its words otherwise (before 4.7). */
export const parseFeatures = (
  hwCaps: string | undefined,
  xen: { readonly major: number; readonly minor: number },
): readonly string[] | undefined => {
  if (hwCaps === undefined || !/^[0-9a-f]{8}(?::[0-9a-f]{8}){7}$/.test(hwCaps)) return undefined;
  if (xen.major < 4 || (xen.major === 4 && xen.minor < 7)) return undefined;
  const values = hwCaps.split(':').map((w) => Number.parseInt(w, 16));
  return words.flatMap((names, w) =>
    names.filter((name, bit) => name !== '-' && (((values[w] ?? 0) >>> bit) & 1) === 1),
  );
};
