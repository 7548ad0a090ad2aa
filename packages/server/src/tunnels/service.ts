import { bindQueries, bindVerbs, inBatches, inReads, later, minutes, type Verb } from '../base/index.ts';
import type { Context } from './context.ts';
import * as store from './store.ts';

export type { HeldTunnel, TunnelPlace } from './store.ts';

type Tunnel = store.HeldTunnel & store.TunnelPlace;

/** A disconnected worker must return within this time. Then its viewers learn that the log has ended. */
const awayMs = minutes(5);

/** The last tunnel of each id, which is the newest connection. */
const distinct = <T extends store.HeldTunnel>(tunnels: readonly T[]): T[] => [
  ...new Map(tunnels.map((tunnel) => [tunnel.tunnelId, tunnel])).values(),
];

/** Records that tunnels are open in this process. */
const registerTunnels: Verb<Tunnel, undefined, Context> = async (tx, tunnels, { now }) => {
  await store.upsertTunnels(tx, distinct(tunnels), later(now, awayMs));
  return tunnels.map(() => undefined);
};

/** Records that tunnels are still open in this process, unless their workers have opened others meanwhile. */
const prolongTunnels: Verb<Tunnel, undefined, Context> = async (tx, tunnels, { now }) => {
  await store.prolongTunnels(tx, distinct(tunnels), later(now, awayMs));
  return tunnels.map(() => undefined);
};

/** Deletes tunnels that their workers have closed. */
const endTunnels: Verb<store.HeldTunnel, undefined, Context> = async (tx, tunnels) => {
  await store.deleteTunnels(tx, tunnels);
  return tunnels.map(() => undefined);
};

const verbs = {
  registerTunnels: inBatches(registerTunnels),
  prolongTunnels: inBatches(prolongTunnels),
  endTunnels: inBatches(endTunnels),
  /** The process of each tunnel; undefined when there is no such tunnel. */
  findTunnels: inReads<string, store.TunnelPlace | undefined, Context>(async (sql, tunnelIds, { now }) => {
    const places = await store.readPlaces(sql, [...new Set(tunnelIds)], now);
    const byId = new Map(places.map((place) => [place.tunnelId, place]));
    return tunnelIds.map((tunnelId) => byId.get(tunnelId));
  }),
};

/** The verbs of tunnels, bound to what they were opened with. */
export const tunnelVerbs = (context: Context) => ({
  ...bindVerbs(context, verbs),
  ...bindQueries(context, { readOwnHost: (_sql, _asked: undefined, work) => work.context.db.ownHost() }),
});

export type TunnelVerbs = ReturnType<typeof tunnelVerbs>;
