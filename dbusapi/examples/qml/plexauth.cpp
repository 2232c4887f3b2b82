/* SPDX-License-Identifier: Apache-2.0 */
#include "plexauth.h"

#include <QDBusArgument>
#include <QDBusPendingCallWatcher>

namespace {
const QString name = QStringLiteral("tv.retune.PlexAuth1");
const QString path = QStringLiteral("/tv/retune/PlexAuth1");
const QString credentials = name + QStringLiteral(".Credentials");
const QString properties = QStringLiteral("org.freedesktop.DBus.Properties");
const QString bus = QStringLiteral("org.freedesktop.DBus");
constexpr int timeout = 30000; // milliseconds; where plex.tv is asked, plexauthd answers within 20 s

// The last part of the error's name, or NotRunning if there is no plexauthd.
QString codeOf(const QDBusMessage &error)
{
    const QString full = error.errorName(), code = full.section(QLatin1Char('.'), -1);
    const bool absent = code == QLatin1String("ServiceUnknown") || code == QLatin1String("NameHasNoOwner")
        || full.contains(QLatin1String(".Spawn."));
    return absent ? QStringLiteral("NotRunning") : code;
}

bool isError(const QDBusMessage &answer)
{
    return answer.type() == QDBusMessage::ErrorMessage;
}

QVariantMap dictionary(const QDBusMessage &answer)
{
    return qdbus_cast<QVariantMap>(answer.arguments().value(0));
}
}

// The senders of signals are not checked: signals only make us read, and what is
// read is plexauthd's own.
PlexAuth::PlexAuth(const QDBusConnection &connection, QObject *parent)
    : QObject(parent), m_bus(connection)
{
    m_bus.connect(QString(), path, name, QString(), this, SLOT(read()));
    m_bus.connect(QString(), path, properties, QStringLiteral("PropertiesChanged"), this, SLOT(read()));
    m_bus.connect(bus, QString(), bus, QStringLiteral("NameOwnerChanged"), {name}, QString(), this, SLOT(read()));
    m_bus.connect(QString(), QStringLiteral("/org/freedesktop/DBus/Local"), QStringLiteral("org.freedesktop.DBus.Local"),
                  QStringLiteral("Disconnected"), this, SIGNAL(busGone()));
    read();
}

void PlexAuth::requestPin()
{
    if (m_asking)
        return;
    m_asking = true;
    call(name, QStringLiteral("RequestPin"), {}, true, [this](const QDBusMessage &answer) {
        m_asking = false;
        isError(answer) ? fail(answer) : read();
    });
}

void PlexAuth::requestToken()
{
    call(credentials, QStringLiteral("GetToken"), {}, true, [this](const QDBusMessage &answer) {
        if (isError(answer))
            fail(answer);
        else
            emit token(answer.arguments().value(0).toString());
    });
}

// One reading at a time; what is heard meanwhile may be newer than its answer.
void PlexAuth::read()
{
    m_readAgain = m_reading;
    if (m_reading)
        return;
    m_reading = true;
    // At first the bus starts plexauthd, where it can. One that was stopped later
    // on was stopped on purpose.
    call(properties, QStringLiteral("GetAll"), {name}, m_first, [this](const QDBusMessage &answer) { took(answer); });
    m_first = false;
}

// took continues with the user's name where there is one.
void PlexAuth::took(const QDBusMessage &answer)
{
    const QVariantMap values = isError(answer) ? QVariantMap() : dictionary(answer);
    if (!values.value(QStringLiteral("Authenticated")).toBool()) {
        take(values, QString());
        return;
    }
    call(credentials, QStringLiteral("GetCurrentUser"), {}, true, [this, values](const QDBusMessage &answer) {
        take(values, dictionary(answer).value(QStringLiteral("title")).toString());
        if (isError(answer))
            fail(answer);
    });
}

void PlexAuth::take(const QVariantMap &values, const QString &user)
{
    m_reading = false;
    m_present = !values.isEmpty();
    m_authenticated = values.value(QStringLiteral("Authenticated")).toBool();
    m_state = values.value(QStringLiteral("State")).toString();
    m_user = user;
    m_code.clear();
    m_problem.clear();
    if (m_present) {
        const auto pin = values.value(QStringLiteral("Pin")).value<QDBusArgument>();
        qulonglong id;
        pin.beginStructure();
        const QString drawn = m_qrText;
        pin >> id >> m_code >> m_link >> m_qrText;
        if (m_qrText != drawn)
            draw();
    }
    if (!m_readAgain || !m_present) // a daemon that answers nothing would never be reported
        emit changed();
    if (m_readAgain)
        read();
}

// draw has plexauthd draw the QR code. Without it there is the code to type.
void PlexAuth::draw()
{
    m_qrPicture.clear();
    if (m_qrText.isEmpty())
        return;
    call(name, QStringLiteral("GetPinQR"), {QStringLiteral("png"), 10u}, true, [this, text = m_qrText](const QDBusMessage &answer) {
        if (isError(answer) || text != m_qrText)
            return;
        const QByteArray picture = answer.arguments().value(0).toByteArray();
        m_qrPicture = QStringLiteral("data:image/png;base64,") + QString::fromLatin1(picture.toBase64());
        emit changed();
    });
}

void PlexAuth::fail(const QDBusMessage &error)
{
    m_problem = codeOf(error);
    emit changed();
}

void PlexAuth::call(const QString &interface, const QString &member, const QVariantList &arguments, bool mayStart, Then then)
{
    auto message = QDBusMessage::createMethodCall(name, path, interface, member);
    message.setArguments(arguments);
    message.setAutoStartService(mayStart);
    auto *watcher = new QDBusPendingCallWatcher(m_bus.asyncCall(message, timeout), this);
    connect(watcher, &QDBusPendingCallWatcher::finished, this, [watcher, then = std::move(then)] {
        watcher->deleteLater();
        then(watcher->reply());
    });
}
