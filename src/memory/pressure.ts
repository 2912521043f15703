import { machineLimits, memoryPressure } from './machine.ts';

const MB = 1e6;
/** Left to others, as a share of what there is. */
const RESERVE = { share: 0.04, least: 24 * MB, most: 512 * MB };
/** Share of the last ten seconds in which everything stood still for lack of memory (PSI). */
const STALLED_PERCENT = 5;

/**
 * Bytes that may be taken beyond what is taken now before the machine, or the container around this process, runs short.
 * Negative where it does already: by what is free, or as the kernel says that all work stands still for it.
 * @param system where `proc` and `sys` are
 */
export function outsideBytes(system = '/'): number {
  const { limitBytes, availableBytes } = machineLimits(system);
  const reserve = Math.max(RESERVE.least, Math.min(RESERVE.most, limitBytes * RESERVE.share));
  return stalledPercent(system) > STALLED_PERCENT ? -reserve : availableBytes - reserve;
}

/** 0 where the kernel does not tell. */
function stalledPercent(system: string): number {
  const shares = memoryPressure(system).map((text) => Number(/^full avg10=([\d.]+)/m.exec(text)?.[1] ?? 0));
  return Math.max(0, ...shares);
}
