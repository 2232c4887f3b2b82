/* SPDX-License-Identifier: Apache-2.0 */
// plexauthd for Qt Quick: who is signed in to Plex on this box. QML has no D-Bus
// of its own, so this is the small part of a frontend that is C++.
//
// It subscribes, then reads, and reads again after each signal: the properties
// are what is, and nothing is missed, also while plexauthd restarts.
#pragma once

#include <QDBusConnection>
#include <QDBusMessage>
#include <QObject>
#include <QVariantMap>

#include <functional>

class PlexAuth : public QObject {
    Q_OBJECT
    // All change together.
    Q_PROPERTY(bool present MEMBER m_present NOTIFY changed)             // plexauthd is on the bus
    Q_PROPERTY(bool authenticated MEMBER m_authenticated NOTIFY changed) // a token is held that plex.tv has not refused
    Q_PROPERTY(QString state MEMBER m_state NOTIFY changed)              // signed-out, pairing, signed-in, unverified, expired, locked; more one day
    Q_PROPERTY(QString code MEMBER m_code NOTIFY changed)                // to be shown to a person; empty when no pairing is under way
    Q_PROPERTY(QString link MEMBER m_link NOTIFY changed)                // where a person types it
    Q_PROPERTY(QString qrText MEMBER m_qrText NOTIFY changed)            // what a QR code holds
    Q_PROPERTY(QString qrPicture MEMBER m_qrPicture NOTIFY changed)      // that as a source for an Image; empty until it is drawn
    Q_PROPERTY(QString user MEMBER m_user NOTIFY changed)                // can be empty for a moment after a sign-in
    Q_PROPERTY(QString problem MEMBER m_problem NOTIFY changed)          // which failure the last call had, such as Unreachable

public:
    explicit PlexAuth(const QDBusConnection &bus, QObject *parent = nullptr);

    // Starts pairing, or joins the pairing under way; code tells when it has one.
    Q_INVOKABLE void requestPin();
    // Asks for the token, which token() brings. Ask each time instead of keeping it.
    Q_INVOKABLE void requestToken();

public slots:
    // Reads again. Every change does so automatically.
    void read();

signals:
    void changed();
    void token(const QString &token);
    void busGone();

private:
    using Then = std::function<void(const QDBusMessage &answer)>;
    void call(const QString &interface, const QString &member, const QVariantList &arguments, bool mayStart, Then then);
    void took(const QDBusMessage &answer);
    void take(const QVariantMap &values, const QString &user);
    void draw();
    void fail(const QDBusMessage &error);

    QDBusConnection m_bus;
    bool m_reading = false, m_readAgain = false, m_asking = false, m_first = true;

    bool m_present = false, m_authenticated = false;
    QString m_state, m_code, m_link, m_qrText, m_qrPicture, m_user, m_problem;
};
