import { originName } from '../../lib/core/record.ts';
import { alert } from '../../lib/sinks/alert.ts';
import type { Vendor } from '../support/servers/alert-vendors.ts';
import { type AlertTarget, channelOf, openMail, openVendor, poison, stored } from './alert-support.ts';
import type { Mode } from './kit/mode.ts';
import { describeSink } from './sink-contract.ts';

const one = { digestOver: 1_000_000 };
const manyConnections = 'every mail has a connection of its own, and a thousand of them prove nothing new';

const chat = (vendor: Vendor, name: string): Mode<AlertTarget> => ({
  name,
  config: ({ port }) => ({ channel: channelOf(vendor, port), ...one }),
  identity: 'none',
  stored,
  poison,
  nullKey: 'stored',
  unauthorized: ({ port, secrets }) => {
    const { type, ...options } = channelOf(vendor, port);
    const wrong = Object.fromEntries(
      Object.entries(secrets ?? {}).map(([key, value]) => [
        key,
        value.replace('sentinel-token', 'sentinel-wrong').replace(/^whsec_.*/, `whsec_${'A'.repeat(40)}`),
      ]),
    );
    return { config: { channel: { type, ...options }, ...one }, secrets: wrong };
  },
});

const byRecord = (vendor: 'pagerduty' | 'alertmanager', name: string): Mode<AlertTarget> => ({
  ...chat(vendor, name),
  identity: 'record',
  id: ({ version, part }) => {
    const place = `${originName(version)}${part > 0 || version.epoch > 0 ? `.${part}` : ''}${version.epoch > 0 ? `.${version.epoch}` : ''}`;
    return vendor === 'pagerduty' ? `under-test/${place}` : place;
  },
});

const vendorOf: Readonly<Record<string, Vendor>> = {
  Slack: 'slack',
  DingTalk: 'dingtalk',
  Feishu: 'feishu',
  WeCom: 'wecom',
  Teams: 'teams',
  'Standard Webhooks': 'webhook',
  PagerDuty: 'pagerduty',
  Alertmanager: 'alertmanager',
};

describeSink<AlertTarget>({
  definition: alert,
  target: ({ name }) => (name === 'E-mail' ? openMail() : openVendor(vendorOf[name] ?? 'slack')),
  modes: [
    {
      ...chat('slack', 'Slack'),
      missing: ({ port }) => ({
        config: { channel: channelOf('slack', port), ...one },
        secrets: { SLACK: `http://127.0.0.1:${port}/services/T0/B0/gone` },
      }),
    },
    { ...chat('dingtalk', 'DingTalk'), sharesWith: 'Slack' },
    { ...chat('feishu', 'Feishu'), sharesWith: 'Slack' },
    { ...chat('wecom', 'WeCom'), sharesWith: 'Slack' },
    { ...chat('teams', 'Teams'), sharesWith: 'Slack' },
    { ...chat('webhook', 'Standard Webhooks'), sharesWith: 'Slack' },
    { ...byRecord('pagerduty', 'PagerDuty'), sharesWith: 'Slack' },
    {
      ...byRecord('alertmanager', 'Alertmanager'),
      unauthorized: ({ port }) => ({ config: { channel: channelOf('alertmanager', port) }, secrets: { ALERTMANAGER: 'sentinel-wrong' } }),
    },
    {
      ...chat('slack', 'E-mail'),
      config: ({ port }) => ({ channel: channelOf('email', port), ...one }),
      unauthorized: ({ port }) => ({ config: { channel: channelOf('email', port) }, secrets: { MAIL: 'sentinel-wrong' } }),
      without: {
        'writes of several partitions at the same time all arrive': manyConnections,
        'takes as many records as its limits say': manyConnections,
        'a write that is aborted halfway tells the truth, and the sink is usable afterwards': manyConnections,
      },
    },
  ],
});
